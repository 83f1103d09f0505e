import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../errors.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import type { TapRecord } from '../record.ts';
import { LineReader } from './line-reader.ts';
import { TAP_SESSION } from './tap-script.ts';
import { within } from './within.ts';

/** How long tcpdump may take until it listens, until it has ended, and how long the session may take for anything else, in ms. */
const START_MS = 10_000;
const STOP_MS = 10_000;
const ANSWER_MS = 20_000;
/** How long fetching a capture may take, plus a second for every FETCH_BYTES_PER_SECOND of it. */
const FETCH_MS = 30_000;
const FETCH_BYTES_PER_SECOND = 1_000_000;

/** The tap's record without its file's digest and size. */
export type TapEnd = Omit<TapRecord, 'sha256' | 'size'>;

export interface TapPlan {
  node: string;
  interface: string;
  /** `yes`: capture as a busy node needs it; `auto`: only if the node has sent many packets since `packets` were counted, at `at`. */
  busy: 'yes' | 'auto';
  /** How many packets the interface had sent at `at`, which is in µs since 1970 by the node's clock. */
  packets: number;
  at: number;
  /** The file of the capture, and its name in the record. */
  path: string;
  file: string;
}

export interface RouteAnswer {
  to: string;
  from: string;
  interface: string | null;
  text: string;
}

/** A session on a node: its tap, and the control packets that it sends. What goes wrong is in the record of the tap. */
export class NodeSession {
  readonly node: string;
  readonly #plan: TapPlan;
  readonly #startedAt = new Date().toISOString();
  #remote: RemoteProcess | undefined;
  #lines: LineReader | undefined;
  #stderr = '';
  #started = false;
  #stopping = false;
  #broken: string | undefined;
  #ended: Promise<string | undefined> = Promise.resolve(undefined);
  #end: Promise<TapEnd> | undefined;
  #orders = 0;
  #rate = 0;
  #over = false;

  private constructor(plan: TapPlan) {
    this.node = plan.node;
    this.#plan = plan;
  }

  /** Starts a session, and waits until its tcpdump listens or has ended. */
  static async start(shell: NodeShell, plan: TapPlan): Promise<NodeSession> {
    const session = new NodeSession(plan);
    try {
      const { interface: device, busy, packets, at } = plan;
      const remote = await shell(plan.node, ['bash', '-c', TAP_SESSION, 'tap', device, busy, `${packets}`, `${at}`]);
      await session.#follow(remote);
    } catch (error) {
      session.#broken = messageOf(error);
    }
    return session;
  }

  /** Returns whether its tcpdump runs. */
  get captures(): boolean {
    return this.#started && !this.#over;
  }

  /** Returns how many packets a second the node's interface sent before the tap began. */
  get packetsPerSecond(): number {
    return this.#rate;
  }

  /** Sends UDP packets from the node's own address. Returns the problem, if there is one. */
  async sendControls(packets: readonly { address: string; port: number; text: string }[]): Promise<string | undefined> {
    for (const { address, port, text } of packets) this.#order(`control ${address} ${port} ${text}`);
    const [failed] = await this.#ask('sent', 'sent');
    if (failed === '0') return undefined;
    const reason = failed === undefined ? this.#whyNot() : `${failed} of ${packets.length} could not be sent`;
    return `control packets could not be sent: ${reason}`;
  }

  /** Makes `saw` look only at packets that are captured from now on. */
  lookBehind(): void {
    this.#order('behind');
  }

  /** Waits until `count` of these texts were captured. Returns whether they were, within `ms`. */
  async saw(texts: readonly string[], count: number, ms: number): Promise<boolean> {
    for (const text of texts) this.#order(`text ${text}`);
    this.#orders += 1;
    const id = this.#orders;
    this.#order(`await ${id} ${count} ${ms}`);
    return (await within(ms + ANSWER_MS, this.#lines?.line(`saw ${id}`, `missed ${id}`), undefined))?.[0] === 'saw';
  }

  /** Asks the node by which interface it would send what its own pod `from` sends to `to`. */
  async route(to: string, from: string): Promise<RouteAnswer> {
    this.#order(`route ${to} ${from}`);
    const words = await within(ANSWER_MS, this.#lines?.line(`route ${to} ${from}`), undefined);
    const [, , , device = '-', ...text] = words ?? [];
    return { to, from, interface: device === '-' ? null : device, text: text.join(' ').trim() };
  }

  /** Stops the capture and fetches it; a tap that ended by itself has `exit: 'died'`. The second call returns the same. */
  stop(): Promise<TapEnd> {
    this.#end ??= this.#stop();
    return this.#end;
  }

  /** Ends the session, and removes everything that it has on the node. */
  close(): void {
    this.#remote?.stdin.end();
    this.#remote?.kill();
  }

  async #follow(remote: RemoteProcess): Promise<void> {
    this.#remote = remote;
    const lines = new LineReader(remote.stdout);
    this.#lines = lines;
    const listening = new Promise<true>((resolve) => {
      remote.stderr.on('data', (chunk: Buffer) => {
        this.#stderr = (this.#stderr + chunk.toString()).slice(-4096);
        if (/listening on/.test(this.#stderr)) resolve(true);
      });
    });
    remote.exited.catch((error) => {
      this.#broken = messageOf(error);
    });
    void lines.line('mode').then((words) => {
      this.#rate = Number(words?.[2] ?? 0);
    });
    this.#ended = lines.line('ended').then((words) => {
      this.#over = true;
      return words?.[1];
    });
    this.#started = await within(START_MS, Promise.race([listening, this.#ended.then(() => false)]), false);
  }

  async #stop(): Promise<TapEnd> {
    const ended = await within(0, this.#ended, 'no' as const);
    this.#stopping = ended === 'no' && this.#broken === undefined;
    this.#order('stop');
    const status = await within(STOP_MS, this.#ended, 'late' as const);
    const stoppedAt = new Date().toISOString();
    let fetched = false;
    if (status !== undefined && status !== 'late') fetched = await this.#fetch();
    this.close();
    const { node, interface: device, file } = this.#plan;
    return {
      node,
      interface: device,
      direction: 'out',
      filter: 'outbound',
      file,
      startedAt: this.#startedAt,
      stoppedAt,
      exit: this.#exit(status, fetched),
      stderr: [this.#stderr.trim(), this.#broken].filter((text) => text).join('\n'),
      ...lastCounts(this.#stderr),
    };
  }

  #exit(status: string | undefined, fetched: boolean): TapRecord['exit'] {
    if (!this.#started) return 'not started';
    if (status === 'late') return 'killed';
    return this.#stopping && status === '0' && fetched ? 'stopped' : 'died';
  }

  async #fetch(): Promise<boolean> {
    this.#order('fetch');
    const size = Number((await within(ANSWER_MS, this.#lines?.line('size'), undefined))?.[1]);
    const rest = this.#lines?.rest();
    if (!rest || !Number.isInteger(size)) return false;
    let bytes = 0;
    const counting = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    const late = setTimeout(() => this.close(), FETCH_MS + (size / FETCH_BYTES_PER_SECOND) * 1000);
    try {
      await pipeline(rest, counting, createWriteStream(this.#plan.path, { mode: 0o600 }));
    } catch (error) {
      this.#broken = messageOf(error);
    } finally {
      clearTimeout(late);
    }
    if (bytes !== size) this.#broken ??= `only ${bytes} of ${size} bytes of the capture could be fetched`;
    return bytes === size;
  }

  /** Sends an order, and returns the words of its answer after the name and the number. */
  async #ask(order: string, answer: string): Promise<string[]> {
    this.#orders += 1;
    const id = this.#orders;
    this.#order(`${order} ${id}`);
    const words = await within(ANSWER_MS, this.#lines?.line(`${answer} ${id}`), undefined);
    return words?.slice(2) ?? [];
  }

  #order(line: string): void {
    this.#remote?.stdin.write(`${line}\n`);
  }

  #whyNot(): string {
    return this.#broken ?? (this.#stderr.trim().split('\n').at(-1) || 'the node does not answer');
  }
}

/** Returns the last counts that tcpdump printed; null for each that it did not print. */
export function lastCounts(stderr: string): Pick<TapRecord, 'packetsCaptured' | 'packetsReceived' | 'droppedByKernel'> {
  const count = (words: string) => {
    const found = [...stderr.matchAll(new RegExp(`(\\d+) packets? ${words}`, 'g'))].at(-1)?.[1];
    return found === undefined ? null : Number(found);
  };
  return {
    packetsCaptured: count('captured'),
    packetsReceived: count('received by filter'),
    droppedByKernel: count('dropped by kernel'),
  };
}
