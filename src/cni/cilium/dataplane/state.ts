import { HOST_DEVICE, NET_DEVICE, VXLAN_DEVICE, WIREGUARD_DEVICE } from './constants.ts';
import { ipsecBaseParts, ipsecMarks, ipsecParts } from './ipsec.ts';
import { agentParts, overlayParts } from './overlay.ts';
import type { CiliumNodeState, CiliumNodeView, CiliumView } from './types.ts';
import { wireguardDiversions, wireguardPart } from './wireguard.ts';

/** Returns what a node should have for what is known of the cluster. */
export function desiredState(view: CiliumView, node: CiliumNodeView): CiliumNodeState {
  const isWireguard = node.encryption === 'wireguard';
  const isIpsec = node.encryption === 'ipsec';
  return {
    parts: [
      ...agentParts(view, node),
      ...overlayParts(view, node),
      ...(isIpsec ? [...ipsecBaseParts(), ...ipsecParts(view, node)] : []),
    ],
    wireguard: isWireguard ? wireguardPart(view, node) : undefined,
    diversions: isWireguard ? wireguardDiversions(view, node) : [],
    sysctls: sysctlsOf(node),
    marks: isIpsec ? ipsecMarks(view, node) : '',
  };
}

/** Returns the state of a node that no agent has touched. */
export function emptyState(): CiliumNodeState {
  return { parts: [], diversions: [], sysctls: {}, marks: '' };
}

/** The agent turns the reverse path filter off on its devices: what it decrypts comes in by another device than answers leave by. */
function sysctlsOf({ encryption, pods }: CiliumNodeView): Record<string, string> {
  const devices = [
    HOST_DEVICE,
    NET_DEVICE,
    VXLAN_DEVICE,
    ...(encryption === 'wireguard' ? [WIREGUARD_DEVICE] : []),
    ...pods.map(({ hostInterface }) => hostInterface),
  ];
  return Object.fromEntries(devices.map((device) => [`net/ipv4/conf/${device}/rp_filter`, '0']));
}
