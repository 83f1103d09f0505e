import { type Account, type Example, keyOf, TOO_MANY, tooManyKinds } from './accounts.ts';

/** How many entries one tap may have; a full mesh of 5,000 nodes has fewer. Beyond that, entries that differ only in the port are one. */
const MOST_ENTRIES = 20_000;

/** How many frames of one tap are accounted for one by one. */
export const MOST_FRAMES = 16_777_216;

/** The frames of one tap that the ledger cannot tell apart. */
export interface Entry {
  account: Account;
  packets: number;
  bytes: number;
  example: Example;
  /** Packets that held, or completed, a marker; and the ids of these markers. */
  markerPackets: number;
  readonly markers: Set<string>;
}

/**
 * The account of one tap: every frame that it captured, in exactly one entry. A frame may be moved to another entry while the
 * capture is read, since what it belongs to may show later; an entry may get another class once all captures are read.
 */
export class TapLedger {
  /** Frames that came after the ledger was full: they are in no entry. */
  unaccounted = 0;
  readonly #tap: string;
  readonly #entries: Entry[] = [];
  readonly #byKey = new Map<string, number>();
  /** The entry and the length of each frame. */
  #entryOf = new Uint32Array(1024);
  #bytesOf = new Uint32Array(1024);
  #frames = 0;

  constructor(tap: string) {
    this.#tap = tap;
  }

  get frames(): number {
    return this.#frames + this.unaccounted;
  }

  get entries(): readonly Entry[] {
    return this.#entries.filter(({ packets }) => packets > 0);
  }

  /** Enters the next frame of the capture. */
  add(account: Account, bytes: number, markers: readonly string[] = []): void {
    if (this.#frames >= MOST_FRAMES) {
      this.unaccounted += 1;
      return;
    }
    if (this.#frames === this.#entryOf.length) this.#grow();
    const frame = this.#frames;
    this.#frames += 1;
    this.#bytesOf[frame] = bytes;
    this.#put(frame, account, markers);
  }

  /** Moves a frame that was entered before, counted from 0, to another account. */
  move(frame: number, account: Account, markers: readonly string[] = []): void {
    const entry = this.#entries[this.#entryOf[frame] ?? -1];
    if (!entry) return;
    entry.packets -= 1;
    entry.bytes -= this.#bytesOf[frame] ?? 0;
    this.#put(frame, account, markers);
  }

  /** Returns the account that a frame was entered with. */
  accountOf(frame: number): Account | undefined {
    return this.#entries[this.#entryOf[frame] ?? -1]?.account;
  }

  /** Closes the ledger to frames and moves: finds the first frame of each entry, and forgets the rest. */
  close(): void {
    for (let frame = this.#frames - 1; frame >= 0; frame -= 1) {
      const entry = this.#entries[this.#entryOf[frame] ?? -1];
      if (entry) entry.example = { tap: this.#tap, frame: frame + 1 };
    }
    this.#entryOf = new Uint32Array(0);
    this.#bytesOf = new Uint32Array(0);
  }

  #put(frame: number, account: Account, markers: readonly string[]): void {
    const index = this.#indexOf(account, frame);
    const entry = this.#entries[index];
    if (!entry) return;
    this.#entryOf[frame] = index;
    entry.packets += 1;
    entry.bytes += this.#bytesOf[frame] ?? 0;
    if (markers.length > 0) entry.markerPackets += 1;
    for (const marker of markers) entry.markers.add(marker);
  }

  #indexOf(account: Account, frame: number): number {
    const key = keyOf(account);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#entries.length >= MOST_ENTRIES && account.what !== TOO_MANY) {
      return this.#indexOf(tooManyKinds(account, this.#tap), frame);
    }
    const index = this.#entries.length;
    this.#entries.push({
      account,
      packets: 0,
      bytes: 0,
      example: { tap: this.#tap, frame: frame + 1 },
      markerPackets: 0,
      markers: new Set(),
    });
    this.#byKey.set(key, index);
    return index;
  }

  #grow(): void {
    const size = Math.min(MOST_FRAMES, this.#entryOf.length * 4);
    const [entries, bytes] = [this.#entryOf, this.#bytesOf];
    this.#entryOf = new Uint32Array(size);
    this.#bytesOf = new Uint32Array(size);
    this.#entryOf.set(entries);
    this.#bytesOf.set(bytes);
  }
}
