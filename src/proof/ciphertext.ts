import { looksRandom, PooledRandomness } from './randomness.ts';
import type { CipherPacket } from './wireguard-messages.ts';

/** As WireGuard's receivers do (COUNTER_WINDOW_SIZE in messages.h): what is older is dropped there, so nobody sends it. */
const REPLAY_WINDOW = 8192;

/** Counters on the sender's own wire follow one another; a tap that misses this many has dropped packets, and says so. */
const MAX_COUNTER_JUMP = 65_536;

/** Two nodes have three key pairs at a time, and change one in two minutes. More is not remembered. */
const MAX_SESSIONS = 16;

/** The packets of one session that passed every test that the packet alone, and those before it, allow. */
export interface SessionSeen {
  readonly session: number;
  readonly firstCounter: number;
  readonly packets: number;
  /** Between the open and the close control. */
  readonly windowPackets: number;
  readonly windowBytes: number;
  /** Whether all bytes taken together look random too. */
  readonly random: boolean;
}

export interface CiphertextSeen {
  readonly sessions: readonly SessionSeen[];
  /** Packets with the header of ciphertext that hold structured bytes. */
  readonly structured: number;
  /** Packets whose counter was used before, or does not fit those around it. */
  readonly replayed: number;
  /** Packets of more sessions than two nodes can have. */
  readonly stray: number;
}

interface Session {
  session: number;
  firstCounter: number;
  highest: number;
  seen: Uint8Array;
  packets: number;
  openPackets: number;
  openBytes: number;
  windowPackets: number;
  windowBytes: number;
  pool: PooledRandomness;
}

/** The ciphertext that one node sent to another, packet by packet, in the order of the sender's tap. */
export class CiphertextStream {
  readonly #sessions = new Map<number, Session>();
  #opened = false;
  #structured = 0;
  #replayed = 0;
  #stray = 0;

  /** The open control went by: from here on packets count as in the window. */
  open(): void {
    this.#opened = true;
  }

  /** A close control went by: what was counted up to here was in the window. */
  close(): void {
    for (const session of this.#sessions.values()) {
      session.windowPackets = session.openPackets;
      session.windowBytes = session.openBytes;
    }
  }

  /** Takes a packet in. Says whether it counts as ciphertext; a keepalive (no bytes) does not. */
  add(packet: CipherPacket): boolean {
    const session = this.#session(packet);
    if (!session) {
      this.#stray += 1;
      return false;
    }
    if (!takeCounter(session, packet.counter)) {
      this.#replayed += 1;
      return false;
    }
    if (packet.bytes === 0) return false;
    if (!looksRandom(packet.body)) {
      this.#structured += 1;
      return false;
    }
    session.pool.add(packet.body);
    session.packets += 1;
    if (this.#opened) {
      session.openPackets += 1;
      session.openBytes += packet.bytes;
    }
    return true;
  }

  seen(): CiphertextSeen {
    const sessions = [...this.#sessions.values()].map((s) => ({
      session: s.session,
      firstCounter: s.firstCounter,
      packets: s.packets,
      windowPackets: s.windowPackets,
      windowBytes: s.windowBytes,
      random: s.pool.looksRandom,
    }));
    return { sessions, structured: this.#structured, replayed: this.#replayed, stray: this.#stray };
  }

  #session({ session, counter }: CipherPacket): Session | undefined {
    const known = this.#sessions.get(session);
    if (known || this.#sessions.size >= MAX_SESSIONS) return known;
    const fresh: Session = {
      session,
      firstCounter: counter,
      highest: counter - 1,
      seen: new Uint8Array(REPLAY_WINDOW),
      packets: 0,
      openPackets: 0,
      openBytes: 0,
      windowPackets: 0,
      windowBytes: 0,
      pool: new PooledRandomness(),
    };
    this.#sessions.set(session, fresh);
    return fresh;
  }
}

/** Marks a counter as used. False where it was used before, is older than the replay window, or far ahead. */
function takeCounter(session: Session, counter: number): boolean {
  const { highest, seen } = session;
  if (counter > highest + MAX_COUNTER_JUMP || counter <= highest - REPLAY_WINDOW) return false;
  if (counter > highest) {
    const passed = Math.min(counter - highest, REPLAY_WINDOW);
    for (let i = 1; i <= passed; i++) seen[(highest + i) % REPLAY_WINDOW] = 0;
    session.highest = counter;
  }
  const slot = counter % REPLAY_WINDOW;
  if (seen[slot] === 1) return false;
  seen[slot] = 1;
  return true;
}
