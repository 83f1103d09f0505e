import { createHash } from 'node:crypto';
import { VXLAN_DEVICES, WORKLOAD_PREFIX } from './constants.ts';
import type { ClusterView, NodeView } from './types.ts';

export const FIREWALL_TABLES = ['raw', 'filter', 'nat'] as const;

/** Rules of one chain, as options of iptables without the chain and without the comment that carries their hash. */
export interface FirewallChain {
  table: (typeof FIREWALL_TABLES)[number];
  name: string;
  rules: readonly string[];
}

/** One of the kernel's chains, from which one of Calico's is called. */
export interface FirewallHook {
  table: FirewallChain['table'];
  chain: string;
  rule: string;
  /** Calico calls its chains before all other rules, but for POSTROUTING: there after kube-proxy's (felix, setUpIptablesNormal). */
  place: 'first' | 'last';
}

export interface FirewallState {
  chains: FirewallChain[];
  hooks: FirewallHook[];
}

/** Bits that Felix gives out of the mark mask 0xffff0000, in this order; WireGuard's own, 0x200000, is the next one. */
const ACCEPTED = '0x10000';
/** Accept, pass and the two scratch bits: what Felix takes off a packet before it looks at it. */
const ALL_BITS = '0x1b0000';

const CLEAR = `--jump MARK --set-mark 0/${ALL_BITS}`;
const IS_ACCEPTED = `-m mark --mark ${ACCEPTED}/${ACCEPTED} --jump ACCEPT`;
const HOST_ACCEPTED = `${comment('Host endpoint policy accepted packet.')} ${IS_ACCEPTED}`;

/**
 * Felix' firewall on a node, as far as it marks, accepts, leaves untracked or masquerades (calico.md 1.7 and 2.12; felix/rules/
 * static.go). What would drop is left out, for labs have no network policies, and so are the pods' own chains. Calico keeps the
 * VXLAN peers in an ipset; here each has a rule, since `ipset` is one more tool that a machine may lack. The mark on what comes in
 * (cali-wireguard-incoming-mark) belongs to host encryption, which this engine does not have. Nothing before Calico is there.
 */
export function firewallState(view: ClusterView, nodeName: string): FirewallState {
  const node = view.nodes.find(({ name }) => name === nodeName);
  if (!node) return { chains: [], hooks: [] };
  return {
    chains: [...rawChains(view), ...filterChains(view, node), ...natChains(view, node)],
    hooks: [
      hook('raw', 'PREROUTING'),
      hook('raw', 'OUTPUT'),
      hook('filter', 'INPUT'),
      hook('filter', 'OUTPUT'),
      hook('nat', 'POSTROUTING', 'last'),
    ],
  };
}

/** The hashes of a chain's rules, by which Felix knows its own rules again: each is of the rule and of all before it. */
export function ruleHashes(chain: string, rules: readonly string[]): string[] {
  let before = createHash('sha224').update(chain).digest();
  return rules.map((rule) => {
    before = createHash('sha224').update(before).update(`-A ${chain} HASH ${rule}`).digest();
    return before.toString('base64url').slice(0, 16);
  });
}

function hook(table: FirewallHook['table'], chain: string, place: FirewallHook['place'] = 'first'): FirewallHook {
  return { table, chain, rule: `--jump cali-${chain}`, place };
}

function rawChains({ felix, encapsulation }: ClusterView): FirewallChain[] {
  // Its source port differs from direction to direction, so that every flow would be tracked as unanswered.
  const untracked = encapsulation === 'VXLAN' ? [`-p udp --dport ${felix.vxlanPort} --jump NOTRACK`] : [];
  return [
    { table: 'raw', name: 'cali-from-host-endpoint', rules: [] },
    { table: 'raw', name: 'cali-to-host-endpoint', rules: [] },
    {
      table: 'raw',
      name: 'cali-PREROUTING',
      rules: [CLEAR, ...untracked, '--jump cali-from-host-endpoint', IS_ACCEPTED],
    },
    { table: 'raw', name: 'cali-OUTPUT', rules: [CLEAR, '--jump cali-to-host-endpoint', ...untracked, IS_ACCEPTED] },
  ];
}

function filterChains(view: ClusterView, node: NodeView): FirewallChain[] {
  const { felix, encapsulation, nodes } = view;
  const peers = encapsulation === 'VXLAN' ? nodes.filter(({ name }) => name !== node.name) : [];
  const vxlan = `-p 17 -m multiport --destination-ports ${felix.vxlanPort}`;
  const wireguard = `-p 17 -m multiport --destination-ports ${felix.wireguardListeningPort}`;
  const toUs = '-m addrtype --dst-type LOCAL --jump ACCEPT';
  const fromUs = '-m addrtype --src-type LOCAL';
  const accept = (text: string, rule: string) => (node.wireguardEnabled ? [`${comment(text)} ${rule}`] : []);
  return [
    { table: 'filter', name: 'cali-from-host-endpoint', rules: [] },
    { table: 'filter', name: 'cali-to-host-endpoint', rules: [] },
    {
      table: 'filter',
      name: 'cali-INPUT',
      rules: [
        ...peers.map(
          ({ address }) =>
            `${comment('Allow IPv4 VXLAN packets from allowed hosts')} ${vxlan} --source ${address} ${toUs}`,
        ),
        ...accept('Allow incoming IPv4 Wireguard packets', `${wireguard} ${toUs}`),
        IS_ACCEPTED,
        CLEAR,
        '--jump cali-from-host-endpoint',
        HOST_ACCEPTED,
      ],
    },
    {
      table: 'filter',
      name: 'cali-OUTPUT',
      rules: [
        IS_ACCEPTED,
        `--out-interface ${WORKLOAD_PREFIX}+ --jump RETURN`,
        ...peers.map(
          ({ address }) =>
            `${comment('Allow IPv4 VXLAN packets to other allowed hosts')} ${vxlan} ${fromUs} --destination ${address} --jump ACCEPT`,
        ),
        ...accept('Allow outgoing IPv4 Wireguard packets', `${wireguard} ${fromUs} --jump ACCEPT`),
        CLEAR,
        '-m conntrack ! --ctstate DNAT --jump cali-to-host-endpoint',
        HOST_ACCEPTED,
      ],
    },
  ];
}

/** Packets that leave by a tunnel with another address of the node are given the tunnel's: its peer would drop them otherwise. */
function natChains({ felix, encapsulation }: ClusterView, node: NodeView): FirewallChain[] {
  const tunnels = [
    ...(encapsulation === 'VXLAN' && node.vxlanTunnelAddress ? [VXLAN_DEVICES[4]] : []),
    ...(node.wireguardEnabled ? [felix.wireguardInterfaceName] : []),
  ];
  return [
    { table: 'nat', name: 'cali-fip-snat', rules: [] },
    { table: 'nat', name: 'cali-nat-outgoing', rules: [] },
    {
      table: 'nat',
      name: 'cali-POSTROUTING',
      rules: [
        '--jump cali-fip-snat',
        '--jump cali-nat-outgoing',
        ...tunnels.map(
          (name) =>
            `--out-interface ${name} -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL --jump MASQUERADE --random-fully`,
        ),
      ],
    },
  ];
}

function comment(text: string): string {
  return `-m comment --comment "${text}"`;
}
