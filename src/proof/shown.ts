import type { Frame, Packet } from '../wire/packet.ts';
import type { Account } from './accounts.ts';
import { describePacket } from './describe.ts';
import type { Evidence } from './evidence.ts';
import { secretLines } from './excerpt.ts';

/** How many packets are kept for each pair: the first ones, and the first ones that hold something to read. */
const KEPT = 5;

/** How many packets of a pair are searched for readable text. */
const SEARCHED = 500;

/** How many packets of one tap are kept. */
const MOST = 500;

/** Keeps some of the plaintext packets of a tap for the excerpts. */
export class Shown {
  readonly evidence: Evidence[] = [];
  readonly #tap: string;
  readonly #texts: { readonly [id: string]: string };
  readonly #pairs = new Map<string, { packets: number; readable: number; unreadable: number }>();

  /** `texts` are the markers by their ids. */
  constructor(tap: string, texts: { readonly [id: string]: string }) {
    this.#tap = tap;
    this.#texts = texts;
  }

  /** Keeps the packet if its account is pods' plaintext and it shows more than the packets kept so far. */
  consider(
    { class: kind, from, to, also = [] }: Account,
    frame: Frame,
    packet: Packet,
    markers: readonly string[],
  ): void {
    if (kind !== 'pod plaintext' || from === null) return;
    for (const [a, b] of [[from, to ?? 'any node'] as const, ...also]) this.#keep(a, b, frame, packet, markers);
  }

  #keep(from: string, to: string, frame: Frame, packet: Packet, markers: readonly string[]): void {
    const key = `${from}\0${to}`;
    const pair = this.#pairs.get(key) ?? { packets: 0, readable: 0, unreadable: 0 };
    this.#pairs.set(key, pair);
    pair.packets += 1;
    if (pair.readable >= KEPT || pair.packets > SEARCHED || this.evidence.length >= MOST) return;
    const texts = markers.map((id) => this.#texts[id] ?? '').filter((text) => text !== '');
    const lines = secretLines(frame.bytes, texts);
    if (lines.length > 0) pair.readable += 1;
    else if (pair.unreadable < KEPT) pair.unreadable += 1;
    else return;
    const description = describePacket(packet);
    this.evidence.push({
      ...{ kind: 'plaintext', from, to, tap: this.#tap, frame: frame.index + 1 },
      description,
      markers: [...markers],
      lines,
    });
  }
}
