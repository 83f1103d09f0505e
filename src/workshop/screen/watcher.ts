import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { EncryptionState, Event, WirePacket } from './state.ts';
import type { Tools } from './tools.ts';

/** How often the lab is asked for the state of its encryption, in ms. */
const LOOK_MS = 3_000;

/** How long packets are gathered before they are shown, in ms; and how many of them a person may ever see of that. */
const GATHER_MS = 100;
const MOST_PACKETS = 200;

/** Watches the lab while the person reads: the state of its encryption and, if wanted, the packets on the wire. */
export class Watcher {
  readonly #tools: Tools;
  readonly #tell: (event: Event) => void;
  readonly #broken: (error: unknown) => void;
  readonly #over = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #lookNow = new AbortController();
  #state: EncryptionState = 'unknown';
  #wanted = false;
  #capture: { stop: AbortController; ended: Promise<void> } | undefined;

  constructor(tools: Tools, tell: (event: Event) => void, broken: (error: unknown) => void) {
    this.#tools = tools;
    this.#tell = tell;
    this.#broken = broken;
  }

  start(): void {
    this.#looking = this.#look().catch(this.#broken);
  }

  /** Looks now, without waiting for the next time. */
  look(): void {
    this.#lookNow.abort();
  }

  watch(): void {
    this.#wanted = true;
    this.#begin();
  }

  unwatch(): void {
    this.#wanted = false;
    this.#capture?.stop.abort();
  }

  async end(): Promise<void> {
    this.#over.abort();
    this.#lookNow.abort();
    this.unwatch();
    await Promise.all([this.#looking, this.#capture?.ended]);
  }

  async #look(): Promise<void> {
    while (!this.#over.signal.aborted) {
      this.#lookNow = new AbortController();
      const state = await this.#tools.encryption();
      if (state !== this.#state) this.#tell({ kind: 'encryption', state });
      this.#state = state;
      // Once a lab is deployed, or deployed again, its packets can be watched.
      if (this.#wanted && state !== 'no lab' && state !== 'unknown') this.#begin();
      await delay(LOOK_MS, undefined, { signal: this.#lookNow.signal }).catch(() => undefined); // it was called
    }
  }

  #begin(): void {
    if (this.#capture || this.#over.signal.aborted) return;
    const stop = new AbortController();
    const ended = this.#listen(stop.signal).finally(() => {
      this.#capture = undefined;
      if (this.#wanted && stop.signal.aborted) this.#begin();
    });
    this.#capture = { stop, ended };
  }

  async #listen(signal: AbortSignal): Promise<void> {
    let gathered: WirePacket[] = [];
    const timer = setInterval(() => {
      if (gathered.length === 0) return;
      this.#tell({ kind: 'packets', packets: gathered });
      gathered = [];
    }, GATHER_MS);
    try {
      await this.#tools.watch((packet) => {
        gathered.push(packet);
        if (gathered.length > MOST_PACKETS) gathered.shift();
      }, signal);
      this.#tell({ kind: 'wire-ended', problem: 'The capture has ended.' });
    } catch (error) {
      if (signal.aborted) return;
      // A lab that is destroyed meanwhile breaks the connection at any point, with many different errors.
      this.#tell({ kind: 'wire-ended', problem: messageOf(error) });
    } finally {
      clearInterval(timer);
    }
  }
}
