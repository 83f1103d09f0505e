import type { WireMessage } from './fingerprint.ts';
import { KeyStreamReuse, looksRandom, Pool } from './randomness.ts';
import type { CipherPacket } from './wireguard-messages.ts';

/** WireGuard's own window (COUNTER_WINDOW_SIZE in messages.h): receivers drop older packets, so nobody sends them. */
const REPLAY_WINDOW = 8192;

/**
 * How many counters may be missing on the sender's own wire, where they follow one another: some packets are lost on the way to
 * it, at a full queue, and the share of those is small.
 */
const MISSING_ALLOWED = 64;
const MISSING_SHARE = 4;

/**
 * How far packets may overtake each other on the way to the wire. A counter further before the first one seen was used before the
 * capture.
 */
const REORDERED = 64;

/** The most sessions that are remembered: two nodes have three key pairs at a time, and change one every two minutes. */
const MAX_SESSIONS = 16;

/** The number of packets of one session whose time and length are remembered. */
const MAX_MESSAGES = 2_097_152;

/** Packets up to this length are pooled by length, so that a few short texts do not vanish among long packets. */
const SHORT = 144;

/** The packets of one session that passed every test that the packet alone, and those before it, allow. */
export interface SessionSeen {
  readonly session: number;
  readonly firstCounter: number;
  /** Keepalives are not among them. */
  readonly packets: number;
  /** Between the open and the close control. */
  readonly windowPackets: number;
  readonly windowBytes: number;
  /** The packets in the window, in order; the first ones, if there are very many. */
  readonly messages: readonly WireMessage[];
  /** Why the packets, taken together, are not ciphertext; undefined if they may be. */
  readonly structure: string | undefined;
  /** Why the tags of its keepalives are not ciphertext; undefined if they may be. */
  readonly keepaliveStructure: string | undefined;
}

/** The result for one packet. Only the first two are ciphertext. */
export type Judged =
  | 'data'
  | 'keepalive'
  | 'structured'
  | 'repeated counter'
  | 'counter out of place'
  | 'too many sessions';

interface Session {
  readonly session: number;
  readonly firstCounter: number;
  highest: number;
  readonly used: Uint8Array;
  /** Counters taken. */
  taken: number;
  packets: number;
  /** Since the open control. */
  openBytes: number;
  /** Since the open control. */
  readonly messages: WireMessage[];
  openPackets: number;
  windowPackets: number;
  windowBytes: number;
  readonly pools: Map<number, Pool>;
  readonly reuse: KeyStreamReuse;
}

/** The ciphertext that one node sent to another, packet by packet, in the order of the sender's tap. */
export class CiphertextStream {
  readonly #sessions = new Map<number, Session>();
  #opened = false;

  /** Notes that the open control passed: packets count as in the window from here on. */
  open(): void {
    this.#opened = true;
  }

  /** Notes that a close control passed: the packets counted up to here were in the window. */
  close(): void {
    for (const session of this.#sessions.values()) {
      session.windowPackets = session.openPackets;
      session.windowBytes = session.openBytes;
    }
  }

  add({ session: index, counter, bytes, body }: CipherPacket, time: number): Judged {
    const session = this.#session(index, counter);
    if (!session) return 'too many sessions';
    const misfit = takeCounter(session, counter);
    if (misfit) return misfit;
    if (!looksRandom(body)) return 'structured';
    pool(session, body);
    if (bytes === 0) return 'keepalive';
    session.reuse.add(body);
    session.packets += 1;
    if (this.#opened) enterWindow(session, bytes, time);
    return 'data';
  }

  seen(): SessionSeen[] {
    return [...this.#sessions.values()].map((s) => ({
      session: s.session,
      firstCounter: s.firstCounter,
      packets: s.packets,
      windowPackets: s.windowPackets,
      windowBytes: s.windowBytes,
      messages: s.messages.slice(0, s.windowPackets),
      structure: structureOf(s),
      keepaliveStructure: s.pools.get(TAG)?.looksRandom === false ? 'keepalives whose tags are text' : undefined,
    }));
  }

  #session(index: number, counter: number): Session | undefined {
    const known = this.#sessions.get(index);
    if (known || this.#sessions.size >= MAX_SESSIONS) return known;
    const fresh: Session = {
      session: index,
      firstCounter: counter,
      highest: counter - 1,
      used: new Uint8Array(REPLAY_WINDOW),
      taken: 0,
      packets: 0,
      openBytes: 0,
      messages: [],
      openPackets: 0,
      windowPackets: 0,
      windowBytes: 0,
      pools: new Map(),
      reuse: new KeyStreamReuse(),
    };
    this.#sessions.set(index, fresh);
    return fresh;
  }
}

/** A keepalive holds nothing but the tag. */
const TAG = 16;

function pool(session: Session, body: Uint8Array): void {
  const key = body.length <= SHORT ? body.length : 0;
  const known = session.pools.get(key);
  const pooled = known ?? new Pool();
  if (!known) session.pools.set(key, pooled);
  pooled.add(body);
}

function enterWindow(session: Session, bytes: number, time: number): void {
  if (session.messages.length < MAX_MESSAGES) session.messages.push({ time, bytes });
  session.openPackets += 1;
  session.openBytes += bytes;
}

function structureOf({ pools, reuse }: Session): string | undefined {
  if (reuse.shows) return 'one key stream used again and again';
  for (const [length, pooled] of pools) if (length !== TAG && !pooled.looksRandom) return 'structured content';
  return undefined;
}

/** Marks a counter as used. Returns what is wrong with it: it was used before, or it is far behind or ahead of the others. */
function takeCounter(session: Session, counter: number): 'repeated counter' | 'counter out of place' | undefined {
  const { highest, used, firstCounter, taken } = session;
  if (counter > highest) {
    const missing = counter - firstCounter - taken;
    if (missing > MISSING_ALLOWED + taken / MISSING_SHARE) return 'counter out of place';
    const passed = Math.min(counter - highest, REPLAY_WINDOW);
    for (let i = 1; i <= passed; i++) used[(highest + i) % REPLAY_WINDOW] = 0;
    session.highest = counter;
  } else if (counter <= highest - REPLAY_WINDOW || counter < firstCounter - REORDERED) return 'counter out of place';
  const slot = counter % REPLAY_WINDOW;
  if (used[slot] === 1) return 'repeated counter';
  used[slot] = 1;
  session.taken += 1;
  return undefined;
}
