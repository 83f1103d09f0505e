import { WIREGUARD_DEVICE, WIREGUARD_MARK, WIREGUARD_PORT } from './constants.ts';
import { NO_MARKS } from './ipsec.ts';
import type { CiliumNodeState, Part, WireguardPart } from './types.ts';

/** One step of bringing a node from one state to another. */
export type CiliumStep =
  | { readonly kind: 'ip'; readonly lines: readonly string[] }
  | { readonly kind: 'sysctl'; readonly writes: { path: string; value: string }[] }
  /** A ruleset for `nft -f -`. */
  | { readonly kind: 'nft'; readonly ruleset: string }
  | { readonly kind: 'createWireguard'; readonly name: string }
  | { readonly kind: 'removeWireguard'; readonly name: string }
  /** Arguments after `wg set`; none is secret. */
  | { readonly kind: 'wgSet'; readonly arguments: readonly string[] };

/**
 * Returns what brings a node from the state that it has to the one that it should have. What diverts packets into encryption is made
 * after all else, and removed before it; keys of the old state go after the marks have changed, so that at no moment a packet leaves
 * in plaintext that should not.
 */
export function planChanges(actual: CiliumNodeState, desired: CiliumNodeState): CiliumStep[] {
  const steps: CiliumStep[] = [];
  const ip = (lines: readonly string[]) => {
    if (lines.length > 0) steps.push({ kind: 'ip', lines });
  };
  ip(removals(actual.diversions, desired.diversions));
  if (actual.wireguard && !desired.wireguard) steps.push({ kind: 'removeWireguard', name: WIREGUARD_DEVICE });
  ip(additions(actual.parts, desired.parts));
  wireguard(steps, actual.wireguard, desired.wireguard);
  const writes = Object.entries(desired.sysctls)
    .filter(([path, value]) => actual.sysctls[path] !== value)
    .map(([path, value]) => ({ path, value }));
  if (writes.length > 0) steps.push({ kind: 'sysctl', writes });
  ip(additions(actual.diversions, desired.diversions));
  if (actual.marks !== desired.marks) steps.push({ kind: 'nft', ruleset: desired.marks || NO_MARKS });
  ip(removals(actual.parts, desired.parts));
  return steps;
}

/** Lines for parts that are new or different; one that cannot be changed in place is removed first. */
function additions(actual: readonly Part[], desired: readonly Part[]): string[] {
  const present = new Map(actual.map((part) => [part.key, part]));
  return desired.flatMap((part) => {
    const before = present.get(part.key);
    if (before && sameLines(before, part)) return [];
    return before && !part.replaces ? [...before.remove, ...part.add] : part.add;
  });
}

/** Lines for parts that should be gone, the last one first. */
function removals(actual: readonly Part[], desired: readonly Part[]): string[] {
  const wanted = new Set(desired.map(({ key }) => key));
  return actual
    .filter(({ key }) => !wanted.has(key))
    .reverse()
    .flatMap(({ remove }) => remove);
}

function sameLines(a: Part, b: Part): boolean {
  return a.add.length === b.add.length && a.add.every((line, i) => line === b.add[i]);
}

function wireguard(steps: CiliumStep[], actual: WireguardPart | undefined, desired: WireguardPart | undefined): void {
  if (!desired) return;
  if (!actual) {
    steps.push({ kind: 'createWireguard', name: WIREGUARD_DEVICE });
    const mark = `0x${WIREGUARD_MARK.toString(16)}`;
    steps.push({ kind: 'wgSet', arguments: [WIREGUARD_DEVICE, 'listen-port', `${WIREGUARD_PORT}`, 'fwmark', mark] });
  }
  const peers = peerArguments(actual?.peers ?? [], desired.peers);
  if (peers.length > 0) steps.push({ kind: 'wgSet', arguments: [WIREGUARD_DEVICE, ...peers] });
  if (actual?.mtu !== desired.mtu)
    steps.push({ kind: 'ip', lines: [`link set dev ${WIREGUARD_DEVICE} mtu ${desired.mtu}`] });
  if (!actual) steps.push({ kind: 'ip', lines: [`link set dev ${WIREGUARD_DEVICE} up`] });
}

/** Peers that should be gone go first: an address can only be one peer's. */
function peerArguments(actual: WireguardPart['peers'], desired: WireguardPart['peers']): string[] {
  const text = (peer: WireguardPart['peers'][number]) => `${peer.publicKey} ${peer.endpoint} ${peer.allowedIp}`;
  const present = new Set(actual.map(text));
  const wanted = new Set(desired.map(({ publicKey }) => publicKey));
  return [
    ...actual
      .filter(({ publicKey }) => !wanted.has(publicKey))
      .flatMap(({ publicKey }) => ['peer', publicKey, 'remove']),
    ...desired
      .filter((peer) => !present.has(text(peer)))
      .flatMap(({ publicKey, endpoint, allowedIp }) => [
        ...['peer', publicKey, 'endpoint', endpoint],
        ...['allowed-ips', allowedIp],
      ]),
  ];
}
