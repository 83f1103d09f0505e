import type { WireguardPeer, WireguardState } from './types.ts';

/**
 * Returns the arguments after `wg set DEVICE` that turn a device into what it should be; empty if nothing differs. `actual` is
 * undefined for a device that was just made. Peers that should not be go first: an allowed IP can only be one peer's.
 */
export function wireguardArguments(actual: WireguardState | undefined, desired: WireguardState): string[] {
  const there = new Map((actual?.peers ?? []).map((peer) => [peer.publicKey, peer]));
  const wanted = new Set(desired.peers.map((peer) => peer.publicKey));
  return [
    ...(actual?.listenPort === desired.listenPort ? [] : ['listen-port', `${desired.listenPort}`]),
    ...((actual?.mark ?? 0) === desired.mark ? [] : ['fwmark', `0x${desired.mark.toString(16)}`]),
    ...[...there.keys()].filter((key) => !wanted.has(key)).flatMap((key) => ['peer', key, 'remove']),
    ...desired.peers.flatMap((peer) => peerArguments(there.get(peer.publicKey), peer)),
  ];
}

function peerArguments(actual: WireguardPeer | undefined, desired: WireguardPeer): string[] {
  const settings = [
    ...(desired.endpoint === undefined || actual?.endpoint === desired.endpoint ? [] : ['endpoint', desired.endpoint]),
    ...((actual?.keepalive ?? 0) === desired.keepalive ? [] : ['persistent-keepalive', `${desired.keepalive}`]),
    // The order is only for people to read: the device looks for the longest prefix.
    ...(actual && sameSet(actual.allowedIPs, desired.allowedIPs) ? [] : ['allowed-ips', desired.allowedIPs.join(',')]),
  ];
  return settings.length > 0 ? ['peer', desired.publicKey, ...settings] : [];
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value));
}
