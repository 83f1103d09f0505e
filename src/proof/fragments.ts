import { decodeIpPacket } from '../wire/decode.ts';
import { IpDatagrams } from '../wire/ip-reassembly.ts';
import type { Frame, IpLayer, Layer, Packet } from '../wire/packet.ts';
import { newWalked, walkFrame } from '../wire/packet-walk.ts';

/** A datagram that was put together, and the frames that carried it, counted from 0. */
export interface WholeDatagram {
  readonly packet: Packet;
  readonly frames: readonly number[];
}

/** Puts the datagrams of a tap together, if all their fragments were captured. */
export class Fragments {
  readonly #datagrams = new IpDatagrams();
  readonly #walked = newWalked();

  /** Enters a frame that carries a fragment. Returns the datagram if that completes it. */
  add(frame: Frame): WholeDatagram | undefined {
    walkFrame(this.#walked, frame.bytes, frame.linkType);
    if (this.#walked.kind !== 'fragment') return undefined;
    const origin = { start: 0, end: frame.bytes.length, frame: frame.index };
    const whole = this.#datagrams.add(this.#walked, frame.bytes, [origin]);
    if (!whole) return undefined;
    return { packet: decodeIpPacket(whole.bytes), frames: [...new Set(whole.origins.map((each) => each.frame))] };
  }
}

/** Returns whether an IP header carries a fragment of a packet. */
export function isFragment(ip: IpLayer, next: Layer | undefined): boolean {
  if (ip.kind === 'ipv4') return ip.moreFragments || ip.fragmentOffset > 0;
  return next?.kind === 'ipv6-fragment' && (next.moreFragments || next.fragmentOffset > 0);
}
