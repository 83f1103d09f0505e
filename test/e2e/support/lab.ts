import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import type { VerifyResult } from '../../../src/proof/result.ts';
import { fakeTcpdump } from './fake-tcpdump.ts';

/** The program as a stranger runs it; another one (an installed package) by WGLAB_BIN. */
const WGLAB = process.env.WGLAB_BIN ?? new URL('../../../bin/wglab', import.meta.url).pathname;

/** How long one command may take on a busy machine, in ms: a verify that delivers nothing waits for its connections. */
const COMMAND_MS = 120_000;

/** The nodes of the flagship lab in the order that `pairs` has, and their addresses. */
export const CONTROL = 'wireguard-control-plane';
export const A = 'wireguard-worker';
export const B = 'wireguard-worker2';

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** A pod of the nc DaemonSet, and the node's end of its veth pair. */
export interface NcPod {
  address: string;
  device: string;
}

/** The result of `wglab verify -o json`. */
export interface Verified {
  status: number;
  result: VerifyResult;
}

/** A deployment of the flagship lab with a state folder of its own, and a tcpdump on its nodes that can be made to fail. */
export class TestLab {
  readonly name = `proof-${randomBytes(4).toString('hex')}`;
  readonly folder: string;
  readonly #tools: string;
  readonly #known = new Map<string, Promise<unknown>>();
  readonly #helpers = new Set<ResultPromise>();

  private constructor(folder: string) {
    this.folder = folder;
    this.#tools = join(folder, 'tools');
  }

  static async deploy(...options: string[]): Promise<TestLab> {
    const lab = new TestLab(await mkdtemp(join(tmpdir(), 'wglab-proof-')));
    try {
      await mkdir(lab.#tools);
      await writeFile(join(lab.#tools, 'tcpdump'), await fakeTcpdump(lab.#tools));
      await chmod(join(lab.#tools, 'tcpdump'), 0o755);
      await lab.must('deploy', '--name', lab.name, '--engine', 'embedded', ...options);
      return lab;
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  /** A lab with encryption on. */
  static async encrypted(): Promise<TestLab> {
    const lab = await TestLab.deploy();
    try {
      await lab.must('encrypt', 'on', lab.name);
      return lab;
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  async wglab(...args: string[]): Promise<Ran> {
    const { exitCode, stdout, stderr } = await this.#start(WGLAB, args);
    return { status: exitCode ?? -1, stdout, stderr };
  }

  async must(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.wglab(...args);
    if (status !== 0) throw new Error(`wglab ${args.join(' ')} ended with status ${status}: ${stderr}`);
    return stdout;
  }

  async verify(claim: 'encrypted' | 'plaintext', ...args: string[]): Promise<Verified> {
    return parsed(await this.wglab('verify', this.name, '--expect', claim, '-o', 'json', ...args));
  }

  /** Runs a script on a node, with `$1`, `$2`… as given; throws where it fails. */
  async onNode(node: string, script: string, ...args: string[]): Promise<string> {
    return this.must('exec', '--lab', this.name, node, '--', 'bash', '-euc', script, 'script', ...args);
  }

  async kubectl(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#start('kubectl', args);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')} ended with status ${exitCode}: ${stderr}`);
    return stdout;
  }

  /**
   * Starts a program on a node, or in a pod, that says "ready" and then works until its input ends. Returns a function that ends it.
   */
  async helper(target: string, ...argv: string[]): Promise<() => Promise<void>> {
    const running = this.#start(WGLAB, ['exec', '--lab', this.name, target, '--', ...argv], 'pipe');
    this.#helpers.add(running);
    const ready = new Promise<void>((resolve, reject) => {
      running.stdout?.on('data', (chunk) => String(chunk).includes('ready') && resolve());
      running.then(({ exitCode, stderr }) => reject(new Error(`${argv[0]} ended with status ${exitCode}: ${stderr}`)));
    });
    const end = async () => {
      running.stdin?.end();
      await running;
      this.#helpers.delete(running);
    };
    await ready;
    return end;
  }

  /** Makes the tcpdump of one node behave as these lines of bash say; see `fakeTcpdump`. Returns a function that undoes it. */
  async tcpdumpOn(node: string, behaviour: string): Promise<() => Promise<void>> {
    const file = join(this.#tools, `${await this.address(node)}.sh`);
    await writeFile(file, behaviour);
    return () => rm(file);
  }

  /** A node's address on the underlay. */
  address(node: string): Promise<string> {
    const path = '{.status.addresses[?(@.type=="InternalIP")].address}';
    return this.#once(`address of ${node}`, () => this.kubectl('get', 'node', node, '-o', `jsonpath=${path}`));
  }

  /** A pod of the nc DaemonSet: what carries the connections of the proof. */
  pod(node: string): Promise<NcPod> {
    return this.#once(`pod on ${node}`, async () => {
      const selector = ['-n', 'nc', '-l', 'app=nc', '--field-selector', `spec.nodeName=${node}`];
      const address = await this.kubectl('get', 'pods', ...selector, '-o', 'jsonpath={.items[0].status.podIP}');
      const route = await this.onNode(node, 'ip -o route get "$1"', address);
      return { address, device: / dev (\S+)/.exec(route)?.[1] ?? '' };
    });
  }

  /** The one pod of the frontend or the backend, which are never on the same node. */
  async workload(app: 'frontend' | 'backend'): Promise<{ name: string; node: string; address: string }> {
    const path = '{.items[0].metadata.name} {.items[0].spec.nodeName} {.items[0].status.podIP}';
    const found = await this.kubectl('get', 'pods', '-l', `app=${app}`, '-o', `jsonpath=${path}`);
    const [name = '', node = '', address = ''] = found.split(' ');
    return { name, node, address };
  }

  /** Takes everything away, from any state. */
  async destroy(): Promise<void> {
    for (const helper of this.#helpers) helper.kill('SIGTERM');
    const { status, stderr } = await this.wglab('destroy', this.name);
    await rm(this.folder, { recursive: true, force: true });
    if (status !== 0) throw new Error(`wglab destroy ${this.name} ended with status ${status}: ${stderr}`);
  }

  /** Asks only once for what does not change while a lab runs. */
  #once<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#known.get(what) ?? ask();
    this.#known.set(what, known);
    return known as Promise<T>;
  }

  #start(program: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore') {
    const env = {
      WGLAB_HOME: join(this.folder, 'home'),
      KUBECONFIG: join(this.folder, 'home', this.name, 'kubeconfig'),
      PATH: `${this.#tools}${delimiter}${process.env.PATH ?? ''}`,
    };
    return execa(program, args, { env, stdin, reject: false, timeout: COMMAND_MS, killSignal: 'SIGKILL' });
  }
}

/** Judges kept evidence again, without any lab. */
export async function verifyFrom(evidence: string, ...args: string[]): Promise<Ran> {
  const { exitCode, stdout, stderr } = await execa(WGLAB, ['verify', '--from', evidence, '-o', 'json', ...args], {
    env: { WGLAB_HOME: join(evidence, 'no-such-home') },
    reject: false,
    timeout: COMMAND_MS,
  });
  return { status: exitCode ?? -1, stdout, stderr };
}

export function parsed({ status, stdout, stderr }: Ran): Verified {
  if (!stdout.startsWith('{')) throw new Error(`verify ended with status ${status} and printed no JSON: ${stderr}`);
  return { status, result: JSON.parse(stdout) };
}
