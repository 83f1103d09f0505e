import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { messageOf } from '../../errors.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import type { TapRecord } from '../record.ts';

/**
 * Runs tcpdump until its input ends, which it also does when the connection breaks: no capture outlives its reader.
 * tcpdump must be the one that is waited for, so that its early death is seen at once; a background job of `sh` has no
 * standard input of its own, hence descriptor 3; and in the background SIGINT is ignored until tcpdump itself asks for it, so that one which
 * has just been started must be told again. `-Z root`: tcpdump must not look for a user that the node may lack.
 * `-B 16384` (KiB): in immediate mode every packet takes a slot of 64 KiB (TPACKET_V2, offloads on), so that tcpdump's own 2 MiB
 * are full after 32 packets, arriving ones counted too, and a capture that waits for a processor drops the rest; these hold 256.
 */
const CAPTURE = `exec 3<&0
tcpdump -i "$1" -Q "$2" -n -U --immediate-mode -s 0 -B 16384 -Z root \${3:+-c "$3"} -w - &
capture=$!
{ read -r _ <&3; while kill -INT "$capture"; do sleep 0.1; done; } > /dev/null 2>&1 &
reader=$!
wait "$capture"
status=$?
kill "$reader" 2> /dev/null
exit "$status"`;

/** How long tcpdump may take until it listens, and until it has ended, in ms. */
const START_MS = 10_000;
const STOP_MS = 10_000;

/** The tap's record, but for what its file holds. */
export type TapEnd = Omit<TapRecord, 'sha256' | 'size'>;

export interface Tap {
  readonly node: string;
  /** Resolves once all these texts (of the plan's `watchFor`) were in captured packets, when the tap ends, or after `timeoutMs`. */
  saw(texts: readonly string[], timeoutMs: number): Promise<void>;
  /** Stops the capture and returns how it went; a tap that ended by itself has `exit: 'died'`. */
  stop(): Promise<TapEnd>;
}

export interface TapPlan {
  node: string;
  interface: string;
  direction: 'out' | 'both';
  /** Where the captured packets go. */
  path: string;
  /** The same, as the record names it. */
  file: string;
  /** Texts that `saw` can be asked for. */
  watchFor: readonly string[];
}

/** tcpdump on a node's interface: pcap on its standard output, until its standard input ends, or after `count` packets. */
export function startCapture(
  shell: NodeShell,
  plan: Pick<TapPlan, 'node' | 'interface' | 'direction'>,
  count?: number,
): Promise<RemoteProcess> {
  const direction = plan.direction === 'both' ? 'inout' : plan.direction; // tcpdump's own word
  const enough = count === undefined ? [] : [String(count)];
  return shell(plan.node, ['sh', '-c', CAPTURE, 'capture', plan.interface, direction, ...enough]);
}

/** Starts a capture on a node's interface and waits until tcpdump listens. It does not throw: the record tells. */
export async function startTap(shell: NodeShell, plan: TapPlan): Promise<Tap> {
  const startedAt = new Date().toISOString();
  const record = { node: plan.node, interface: plan.interface, file: plan.file, direction: plan.direction, startedAt };
  try {
    const remote = await startCapture(shell, plan);
    return await follow(remote, plan, record);
  } catch (error) {
    const counts = { packetsCaptured: null, packetsReceived: null, droppedByKernel: null };
    return {
      node: plan.node,
      saw: async () => undefined,
      stop: async () => ({ ...record, stoppedAt: null, exit: 'not started', stderr: messageOf(error), ...counts }),
    };
  }
}

type Beginning = Pick<TapRecord, 'node' | 'interface' | 'file' | 'direction' | 'startedAt'>;

async function follow(remote: RemoteProcess, plan: TapPlan, record: Beginning): Promise<Tap> {
  const file = createWriteStream(plan.path, { mode: 0o600 });
  const watcher = new Watcher(plan.watchFor);
  let stderr = '';
  let stopping = false;
  let killed = false;
  let status: number | undefined;
  remote.stdout.on('data', (chunk: Buffer) => watcher.look(chunk));
  remote.stdout.pipe(file);
  const listening = new Promise<void>((resolve) => {
    remote.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-4096);
      if (/listening on/.test(stderr)) resolve();
    });
  });
  const ended = remote.exited
    .then(
      (code) => {
        status = code;
      },
      (error) => {
        stderr += `\n${messageOf(error)}`;
      },
    )
    .finally(() => watcher.end());
  const alive = await within(START_MS, Promise.race([listening.then(() => true), ended.then(() => false)]), false);
  const exit = (): TapRecord['exit'] => {
    if (!alive) return 'not started';
    if (killed) return 'killed';
    return stopping && status === 0 ? 'stopped' : 'died';
  };
  return {
    node: record.node,
    saw: (texts, timeoutMs) => within(timeoutMs, watcher.until(texts), undefined),
    async stop() {
      stopping = status === undefined;
      remote.stdin.end();
      const inTime = await within(
        STOP_MS,
        ended.then(() => true),
        false,
      );
      if (!inTime) {
        killed = true;
        remote.kill();
      }
      file.end();
      await finished(file);
      const stoppedAt = new Date().toISOString();
      return { ...record, stoppedAt, exit: exit(), stderr: stderr.trim(), ...countsIn(stderr) };
    },
  };
}

/** The three counts that tcpdump prints at its end; null for each that it did not. */
function countsIn(stderr: string) {
  const count = (words: string) => {
    const found = new RegExp(`(\\d+) packets? ${words}`).exec(stderr)?.[1];
    return found === undefined ? null : Number(found);
  };
  return {
    packetsCaptured: count('captured'),
    packetsReceived: count('received by filter'),
    droppedByKernel: count('dropped by kernel'),
  };
}

/** Looks for texts in a stream, also across its chunks, and remembers which went by. */
class Watcher {
  readonly #missing: Set<string>;
  readonly #longest: number;
  readonly #waiting = new Set<() => void>();
  #tail = Buffer.alloc(0);
  #over = false;

  constructor(texts: readonly string[]) {
    this.#missing = new Set(texts);
    this.#longest = Math.max(1, ...texts.map((text) => text.length));
  }

  /** Resolves once all of these went by, or at the end of the stream. */
  async until(texts: readonly string[]): Promise<void> {
    while (!this.#over && texts.some((text) => this.#missing.has(text))) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  look(chunk: Buffer): void {
    if (this.#missing.size === 0) return;
    const bytes = Buffer.concat([this.#tail, chunk]);
    const before = this.#missing.size;
    for (const text of this.#missing) if (bytes.includes(text)) this.#missing.delete(text);
    this.#tail = Buffer.from(bytes.subarray(-(this.#longest - 1)));
    if (this.#missing.size < before) this.#wake();
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** A promise's value, or `otherwise` when `ms` are over. */
export async function within<T>(ms: number, promise: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
