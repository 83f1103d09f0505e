import { ExitCode, Failure } from '../../../errors.ts';
import type { RemoteProcess } from '../../../process/remote-process.ts';

/** Connects this terminal, or these pipes, to a process elsewhere until it ends, and returns its exit status. */
export async function attach(remote: RemoteProcess, tty: boolean, signal: AbortSignal): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const resize = () => remote.resize(stdout.columns, stdout.rows);
  const stop = () => remote.kill();
  // A terminal may be asked for where this is none: then the far side has one, of a size of its own.
  const raw = tty && stdin.isTTY === true;
  let closed = false;
  // In raw mode no key ends the input: a terminal that was closed does.
  const hungUp = () => {
    closed = true;
    remote.kill();
  };
  if (raw) {
    stdin.setRawMode(true);
    stdin.on('end', hungUp);
    stdin.on('error', hungUp);
  }
  if (tty && stdout.isTTY === true) {
    resize();
    stdout.on('resize', resize);
  }
  signal.addEventListener('abort', stop);
  stdin.pipe(remote.stdin);
  remote.stdin.on('error', () => stdin.unpipe(remote.stdin)); // it ended before its input did
  remote.stdout.pipe(stdout, { end: false });
  remote.stderr.pipe(stderr, { end: false });
  try {
    const status = await remote.exited;
    if (closed) throw new Failure(ExitCode.interrupted, 'the terminal was closed');
    return status;
  } finally {
    signal.removeEventListener('abort', stop);
    stdin.unpipe(remote.stdin);
    stdin.pause();
    stdout.off('resize', resize);
    if (raw) {
      stdin.off('end', hungUp);
      stdin.off('error', hungUp);
      if (!closed) stdin.setRawMode(false);
    }
  }
}
