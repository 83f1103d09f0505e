import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface Answer {
  id: number;
  pid?: number;
  code: number;
  stdout: string;
  stderr: string;
}

const ROOT = process.getuid?.() === 0;

/** Namespaces of their own for a test: with the holder's first process everything in them goes. */
export class Holder {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #errors = '';
  #next = 0;

  constructor() {
    const flags = ROOT ? [] : ['--user', '--map-current-user', '--keep-caps'];
    const agent = fileURLToPath(new URL('holder-agent.mjs', import.meta.url));
    this.#process = spawn('unshare', [
      ...flags,
      ...['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'],
      ...[process.execPath, agent],
    ]);
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const answer: Answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#process.on('exit', () => {
      for (const [id, done] of this.#waiting) done({ id, code: 137, stdout: '', stderr: `holder: ${this.#errors}` });
      this.#waiting.clear();
    });
  }

  /** Runs a command in the holder's namespaces, whatever its exit status. */
  async try(argv: readonly string[], input = ''): Promise<Answer> {
    return this.#ask({ argv, input });
  }

  /** The standard output of a command that must succeed. */
  async run(argv: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.try(argv, input);
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${stdout}${stderr}\n${input}`);
    return stdout;
  }

  /** Starts a process in network and mount namespaces of its own, with a /run of its own for wireguard-go; gives its id. */
  async newNamespace(): Promise<number> {
    const script = 'mount -t tmpfs tmpfs /run && mkdir /run/wireguard && echo ready && exec sleep infinity';
    return this.stay(['unshare', '--net', '--mount', 'sh', '-c', script]);
  }

  /** Starts a process that stays, and gives its id when it has printed something. */
  async stay(argv: readonly string[]): Promise<number> {
    const { pid, stderr } = await this.#ask({ argv, stay: true });
    if (pid === undefined) throw new Error(`${argv.join(' ')} did not stay: ${stderr}`);
    return pid;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #ask(request: object): Promise<Answer> {
    this.#next += 1;
    const id = this.#next;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}
