import fc from 'fast-check';
import { felixSettings, settingsForIpv6 } from '../../../../src/cni/calico/dataplane/felix-settings.ts';
import type { ClusterView, FamilyView, NodeView, PodView } from '../../../../src/cni/calico/dataplane/types.ts';
import { hostInterfaceName } from '../../../../src/cni/calico/dataplane/workloads.ts';

/** A WireGuard public key that differs for each number. */
export function key(number: number): string {
  return Buffer.alloc(32, number).toString('base64');
}

export function pod(name: string, address: string, namespace = 'default'): PodView {
  return { namespace, name, address, hostInterface: hostInterfaceName(namespace, name) };
}

/** Three nodes as the flagship lab has them; node N has block 192.168.N.64/26 and the address 172.18.0.N. */
export function labView(change: Partial<ClusterView> = {}, wireguardEnabled = false): ClusterView {
  const node = (name: string, number: number): NodeView => ({
    name,
    address: `172.18.0.${number}`,
    prefixLength: 16,
    blocks: [`192.168.${number}.64/26`],
    vxlanTunnelAddress: `192.168.${number}.64`,
    wireguardEnabled,
    ...(wireguardEnabled ? { wireguardAddress: `192.168.${number}.65`, wireguardPublicKey: key(number) } : {}),
    pods: [pod(`pod-${number}`, `192.168.${number}.66`)],
  });
  return {
    nodes: [node('wireguard-control-plane', 2), node('wireguard-worker', 3), node('wireguard-worker2', 4)],
    felix: felixSettings([{ wireguardEnabled }]),
    hostMtu: 1500,
    encapsulation: 'VXLAN',
    ...change,
  };
}

const block = fc.nat(11).map((number) => `192.168.${Math.floor(number / 4)}.${(number % 4) * 64}/26`);

/** Addresses of a small pool, so that nodes often claim the same one. */
const address = fc.oneof(
  fc.tuple(fc.nat(2), fc.nat(255)).map(([third, fourth]) => `192.168.${third}.${fourth}`),
  fc.constantFrom('192.168.0.1', '192.168.1.1'),
);

/** The same in IPv6: the last two bytes of an address stay. Annotations may hold anything, and that stays as it is. */
function inIpv6(text: string): string {
  const [, third, fourth, length] = /^\d+\.\d+\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (third === undefined) return text;
  const address = `fd00:10:244::c0a8:${(Number(third) * 256 + Number(fourth)).toString(16)}`;
  return length === undefined ? address : `${address}/${Number(length) + 96}`;
}

/** A cluster's IPv4 part as the IPv6 part of one; node N has the address fc00:f853:ccd:e793::N. */
export function ipv6Part({ nodes, felix, ...rest }: ClusterView): FamilyView {
  const text = (value: string | undefined) => (value === undefined ? undefined : inIpv6(value));
  return {
    ...rest,
    family: 6,
    felix: settingsForIpv6(felix),
    nodes: nodes.map((node) => ({
      ...node,
      address: `fc00:f853:ccd:e793::${node.address.split('.').at(-1)}`,
      prefixLength: 64,
      blocks: node.blocks.map(inIpv6),
      vxlanTunnelAddress: text(node.vxlanTunnelAddress),
      wireguardAddress: text(node.wireguardAddress),
      pods: node.pods.map((pod) => ({ ...pod, address: inIpv6(pod.address) })),
    })),
  };
}

/** The lab of `labView` with both families. */
export function dualView(wireguardEnabled = false): ClusterView {
  const view = labView({}, wireguardEnabled);
  const felix = felixSettings([{ wireguardEnabled, wireguardEnabledV6: wireguardEnabled }]);
  return { ...view, felix, ipv6: ipv6Part({ ...view, felix }) };
}

/**
 * Any cluster that the datastore could describe, also in the middle of a change: nodes without tunnel addresses or keys,
 * two nodes with one key, borrowed and clashing addresses, values that are no addresses at all. Blocks are each one
 * node's; a pod's name is its own.
 */
const singleStack: fc.Arbitrary<ClusterView> = fc
  .record({
    blocks: fc.uniqueArray(block, { maxLength: 6 }),
    nodes: fc.array(
      fc.record({
        vxlanTunnelAddress: fc.option(fc.oneof({ weight: 9, arbitrary: address }, fc.constant('1.2.3.4 dev lo')), {
          nil: undefined,
        }),
        wireguardAddress: fc.option(address, { nil: undefined }),
        wireguardPublicKey: fc.option(fc.oneof(fc.nat(4).map(key), fc.constant('not a key')), { nil: undefined }),
        wireguardEnabled: fc.boolean(),
        pods: fc.array(address, { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    felix: fc.record(
      {
        wireguardInterfaceName: fc.constantFrom('wireguard.cali', 'wg0'),
        wireguardListeningPort: fc.constantFrom(51820, 4500),
        wireguardMTU: fc.constantFrom(0, 1400),
        wireguardRoutingRulePriority: fc.constantFrom(99, 101),
        wireguardKeepAlive: fc.constantFrom('0s', '25s'),
        vxlanVNI: fc.constantFrom(4096, 7),
        vxlanMTU: fc.constantFrom(0, 1300),
      },
      { requiredKeys: [] },
    ),
    encapsulation: fc.constantFrom('VXLAN' as const, 'VXLAN' as const, 'None' as const),
  })
  .map(({ blocks, nodes, felix, encapsulation }) => ({
    nodes: nodes.map((node, number) => ({
      ...node,
      name: `node-${number}`,
      address: `172.18.0.${number + 2}`,
      prefixLength: 16,
      blocks: blocks.filter((_, index) => index % nodes.length === number),
      pods: node.pods.map((podAddress, index) => pod(`pod-${number}-${index}`, podAddress)),
    })),
    felix: felixSettings([felix]),
    hostMtu: 1500,
    encapsulation,
  }));

/** Clusters of IPv4, and of both: any two of `singleStack`, one in IPv6, where a node may be missing. */
export const clusters: fc.Arbitrary<ClusterView> = fc
  .tuple(singleStack, fc.option(singleStack, { nil: undefined }))
  .map(([view, other]) => {
    if (!other) return view;
    const felix = {
      ...view.felix,
      wireguardInterfaceNameV6: other.felix.wireguardInterfaceName === 'wg0' ? 'wg6' : 'wg-v6.cali',
      wireguardListeningPortV6: other.felix.wireguardListeningPort + 1,
      wireguardMTUV6: other.felix.wireguardMTU,
      vxlanMTUV6: other.felix.vxlanMTU,
    };
    // A pod has an address of IPv4, and may have one of IPv6.
    const nodes = view.nodes.flatMap(({ pods }, i) => {
      const node = other.nodes[i];
      return node ? [{ ...node, pods: node.pods.slice(0, pods.length) }] : [];
    });
    return { ...view, felix, ipv6: ipv6Part({ ...other, felix, nodes }) };
  });
