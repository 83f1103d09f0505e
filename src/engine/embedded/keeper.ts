import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { BatchStep, SysctlWrite } from '../../cni/calico/dataplane/types.ts';
import { pathOf, ToolError } from '../../process/tool.ts';

/** The first process in the namespaces of a node or a pod: a shell that keeps them and carries out batches in them. */
export interface Keeper {
  /** As the engine's own PID namespace counts. */
  readonly pid: number;
  readonly isAlive: boolean;
  /**
   * Carries out a batch in these namespaces. Without a process started by the engine itself, which waits for each that it
   * starts until the kernel has replaced it: of a lab's making, that was the longest part. Throws ToolError with what the tool
   * said where it fails, or where the keeper ended.
   */
  run(step: BatchStep): Promise<void>;
  end(): void;
  /** Resolves when it ended, whoever ended it. */
  readonly ended: Promise<void>;
}

/** Values below /proc/sys on standard input, a line each: whether it matters, path, value. What does not matter may be missing. */
const WRITE_SYSCTLS = `while read -r need path value; do
  [ "$need" = required ] || [ -e "/proc/sys/$path" ] || continue
  printf %s "$value" > "/proc/sys/$path" || exit 1
done`;

/**
 * A batch is a line with the tool and its options, the lines for it, and an empty line. The answer is what the tool said, and
 * a line with a dot and its exit status. The batch is read whole before its tool begins, or what a tool leaves unread would be the next tool.
 */
const KEEP = `set +e
echo ready
while read -r tool; do
  batch=
  while IFS= read -r line && [ -n "$line" ]; do batch="$batch$line
"; done
  said=$(printf %s "$batch" | case $tool in
    sysctl) ${WRITE_SYSCTLS} ;;
    *) $tool -force -batch - ;;
  esac 2>&1)
  printf '%s\\n.%s\\n' "$said" "$?"
done`;

/**
 * Starts a keeper: `enter` is the command that makes or enters its namespaces, `become` the shell commands that make them what
 * they are to be, with `words` as $1 and so on. By busybox, whose mount and hostname are no processes of their own.
 * Throws ToolError with what was printed where one fails.
 */
export async function startKeeper(
  doing: string,
  enter: readonly string[],
  become: string,
  words: readonly string[],
): Promise<Keeper> {
  const [command = '', ...rest] = enter;
  const child = spawn(command, [...rest, 'busybox', 'sh', '-c', `set -e\n${become}\n${KEEP}`, 'keeper', ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined); // it has ended, and its end is reported
  const answers = answersOf(child, doing);
  await answers.next();
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    get isAlive() {
      return isAlive();
    },
    async run(step) {
      if (!isAlive()) throw new ToolError([doing], 'its first process has ended', '');
      const [name = '', ...options] = step.kind === 'sysctl' ? ['sysctl'] : step.tool.split(' ');
      const tool = [step.kind === 'sysctl' ? name : (pathOf(name) ?? name), ...options].join(' ');
      const lines = step.kind === 'sysctl' ? step.writes.map(sysctlLine) : step.lines;
      child.stdin.write(`${[tool, ...lines].join('\n')}\n\n`);
      const { said, status } = await answers.next();
      if (status !== '0') throw new ToolError([tool, '-batch'], `exit status ${status}`, said);
    },
    end: () => child.kill('SIGKILL'),
    ended: new Promise((resolve) => child.on('exit', () => resolve())),
  };
}

function sysctlLine({ path, value, optional }: SysctlWrite): string {
  return `${optional ? 'optional' : 'required'} ${path} ${value}`;
}

interface Answer {
  said: string;
  status: string;
}

/** A keeper's answers, in the order of the requests; the first one says that it is ready. */
function answersOf(child: ChildProcessWithoutNullStreams, doing: string): { next(): Promise<Answer> } {
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  let printed = '';
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
    for (;;) {
      const answer = /^([\s\S]*?)\n?^(?:ready|\.(\d+))\n/m.exec(printed);
      if (!answer) return;
      printed = printed.slice(answer[0].length);
      waiting.shift()?.resolve({ said: answer[1] ?? '', status: answer[2] ?? '0' });
    }
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.on('error', (error) => fail(new ToolError([doing], error.message, '')));
  child.on('close', (code, signal) => {
    fail(new ToolError([doing], signal ? `ended by ${signal}` : `exit status ${code}`, complaint + printed));
  });
  return {
    next: () =>
      new Promise((resolve, reject) => {
        if (failure) reject(failure);
        else waiting.push({ resolve, reject });
      }),
  };
}
