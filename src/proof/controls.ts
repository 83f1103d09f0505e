import { type Layer, layerOf, type Packet, type UdpLayer } from '../wire/packet.ts';
import type { Account, Route } from './accounts.ts';
import type { Record } from './record.ts';
import { udpPayload } from './udp-payload.ts';

/** The control packets of a run by their texts. */
export type ControlTexts = ReadonlyMap<
  string,
  { readonly from: string; readonly to: string; readonly which: 'open' | 'close' }
>;

/** Reads the texts of all control packets from a record. */
export function controlTexts(record: Record): ControlTexts {
  const texts = new Map<string, { from: string; to: string; which: 'open' | 'close' }>();
  for (const { from, to, open, close } of record.controls) {
    texts.set(record.markers[open] ?? '', { from, to, which: 'open' });
    texts.set(record.markers[close] ?? '', { from, to, which: 'close' });
  }
  return texts;
}

/** Recognises wglab's own packets: those that show that a tap is alive, and the ICMP errors that answer them. */
export class Controls {
  readonly #texts: ControlTexts;
  readonly #node: string;
  readonly #lengths: ReadonlySet<number>;

  constructor(texts: ControlTexts, node: string) {
    this.#texts = texts;
    this.#node = node;
    this.#lengths = new Set([...texts.keys()].map((text) => text.length));
  }

  /** Returns the account of a packet of wglab's own on a route, and which control packet it is; undefined for others. */
  accountOf(packet: Packet, next: Layer | undefined, [from, to]: Route) {
    const own = next?.kind === 'udp' ? this.#textOf(packet, next) : undefined;
    if (own && own.from === this.#node && own.to === to) {
      const port = next?.kind === 'udp' ? next.destinationPort : null;
      const account: Account = { class: 'control', what: "wglab's control packets", from, to, protocol: 'udp', port };
      return { account, which: own.which };
    }
    const quoted = next?.kind === 'icmp' || next?.kind === 'icmpv6' ? next.quoted : undefined;
    const udp = quoted && layerOf(quoted, 'udp');
    const answered = quoted && udp ? this.#textOf(quoted, udp) : undefined;
    if (!answered || answered.to !== from || answered.from !== to) return undefined;
    const what = "ICMP errors that answer wglab's control packets";
    const account: Account = { class: 'control', what, from, to, protocol: 'icmp', port: null };
    return { account, which: undefined };
  }

  #textOf(packet: Packet, udp: UdpLayer) {
    const payload = udpPayload(packet.bytes, udp);
    if (!this.#lengths.has(payload.length)) return undefined;
    return this.#texts.get(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1'));
  }
}
