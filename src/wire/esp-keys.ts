import { type EspKey, type OpenedEsp, openEsp } from './esp-crypto.ts';
import { bytesOf, type EspLayer, type IpLayer, type Packet } from './packet.ts';

/** A key that may open ESP from one address to another. */
export interface CandidateKey extends EspKey {
  /** `derived`: made for this direction of this pair. `global`: one key for all nodes, so any of them may have sent the packet. */
  readonly scope: 'derived' | 'global';
  /** The name of the key in the Secret: `key 3, derived for node-a → node-b`. */
  readonly name: string;
}

/** Finds the keys that may open ESP of an SPI from one address to another; none if the Secret has no key of that id. */
export type EspKeys = (source: string, destination: string, spi: number) => readonly CandidateKey[];

/**
 * How an ESP packet fits the keys at hand. `no key`: there is none for its SPI and addresses. `cut`: not all of it was captured.
 * `underived`: only keys that are the same for all nodes could be tried.
 */
export type EspVerdict =
  | { readonly fits: 'key'; readonly key: CandidateKey; readonly opened: OpenedEsp; readonly icvLength: number }
  | { readonly fits: 'none'; readonly underived: boolean }
  | { readonly fits: 'no key' | 'cut' };

/** Tries the keys on an ESP layer of a decoded packet, under the IP header around it. */
export function tryEspKeys(packet: Packet, layer: EspLayer, keys: EspKeys, sequenceHigh = 0): EspVerdict {
  const ip = packet.layers.slice(0, packet.layers.indexOf(layer)).findLast(isIp);
  const candidates = ip ? keys(ip.source, ip.destination, layer.spi) : [];
  if (candidates.length === 0) return { fits: 'no key' };
  if (packet.ending === 'truncated') return { fits: 'cut' };
  const { offset, length } = packet.payload;
  const esp = bytesOf(packet, { offset: layer.offset, length: offset + length - layer.offset });
  for (const key of candidates) {
    const opened = openEsp(esp, key, sequenceHigh);
    if (opened) return { fits: 'key', key, opened, icvLength: key.icvLength };
  }
  return { fits: 'none', underived: candidates.every(({ scope }) => scope === 'global') };
}

function isIp(layer: Packet['layers'][number]): layer is IpLayer {
  return layer.kind === 'ipv4' || layer.kind === 'ipv6';
}
