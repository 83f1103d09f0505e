import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { labFailure } from '../../errors.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import { startProcess } from '../../process/tool.ts';
import { containerOf, readRecord } from './record.ts';

/** Commands on a lab's nodes by `docker exec`. */
export function nodeShell(folder: string): NodeShell {
  return async (node, argv, { tty = false } = {}) => {
    const record = readRecord(folder);
    const container = record && containerOf(record, node);
    if (container === undefined) {
      const known = record ? [...record.nodes, ...record.linux].join(', ') : 'none';
      throw labFailure(`there is no node "${node}"`, { remedy: `The nodes are: ${known}.` });
    }
    return execIn(container, argv, tty);
  };
}

/**
 * A command in a container. Docker leaves it running when the program `docker exec` is killed, so it bears a mark in its
 * environment, which all that it starts inherits, and `kill` ends those that bear it.
 */
export function execIn(container: string, argv: readonly string[], tty: boolean): RemoteProcess {
  const mark = `WGLAB_EXEC=${randomUUID()}`;
  const terminal = tty ? ['--tty', '--env', `TERM=${process.env.TERM ?? 'xterm'}`] : [];
  const remote = startProcess(['docker', 'exec', '--interactive', '--env', mark, ...terminal, container, ...argv], {
    tty,
  });
  return {
    ...remote,
    kill() {
      remote.kill();
      endMarked(container, mark);
    },
  };
}

/** `sh`, not a tool of its own: a node may have no pkill. -z: an environment is ended by NULs, at the first of which grep may stop. What ended meanwhile has no environment to read. */
const END_MARKED = `for file in /proc/[0-9]*/environ; do
  if grep -qzF "$1" "$file" 2> /dev/null; then
    process=\${file#/proc/}
    kill -KILL "\${process%/environ}" 2> /dev/null
  fi
done`;

function endMarked(container: string, mark: string): void {
  const child = spawn('docker', ['exec', container, 'sh', '-c', END_MARKED, 'end', mark], { stdio: 'ignore' });
  child.on('error', () => undefined); // without Docker there is nothing left to end
}
