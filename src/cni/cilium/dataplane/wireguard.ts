import { DIVERSION_TABLE, PRIORITY, VXLAN_PORT, WIREGUARD_DEVICE, WIREGUARD_PORT } from './constants.ts';
import { wireguardMtu } from './mtu.ts';
import { others, rule } from './overlay.ts';
import type { CiliumNodeView, CiliumView, Part, WireguardPart } from './types.ts';

/** The device cilium_wg0: one peer for each other node that published a key that is its alone, allowed to send from its address only. */
export function wireguardPart(view: CiliumView, node: CiliumNodeView): WireguardPart {
  const count = (key: string) => view.nodes.filter(({ publicKey }) => publicKey === key).length;
  return {
    mtu: wireguardMtu(view.hostMtu),
    peers: others(view, node).flatMap(({ address, publicKey }) =>
      publicKey !== undefined && isPublicKey(publicKey) && count(publicKey) === 1
        ? [{ publicKey, endpoint: `${address}:${WIREGUARD_PORT}`, allowedIp: `${address}/32` }]
        : [],
    ),
  };
}

/**
 * The parts that stand in for eBPF at the node's own interface: whatever VXLAN sends goes into cilium_wg0 and nowhere else. `iif lo`
 * keeps received packets out of it; without a peer a packet is dropped, as with Cilium in tunnel mode.
 */
export function wireguardDiversions(view: CiliumView, node: CiliumNodeView): Part[] {
  const table = `table ${DIVERSION_TABLE}`;
  return [
    {
      key: 'blackhole',
      add: [`route replace blackhole default ${table}`],
      remove: [`route del blackhole default ${table}`],
    },
    ...others(view, node).map(({ address }) => ({
      key: `divert ${address}`,
      add: [`route replace ${address}/32 dev ${WIREGUARD_DEVICE} ${table}`],
      // The device may be gone, and the route with it.
      remove: [],
      replaces: true,
    })),
    rule(PRIORITY.diversion, `iif lo ipproto udp dport ${VXLAN_PORT}`, DIVERSION_TABLE),
  ];
}

/** Annotations can be edited by anyone: only 32 bytes in base64, not all zero, are a key. */
function isPublicKey(text: string): boolean {
  if (!/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return false;
  return Buffer.from(text, 'base64').some((byte) => byte !== 0);
}
