import fc from 'fast-check';
import { felixSettings } from '../../../../src/engine/embedded/dataplane/felix-settings.ts';
import type { ClusterView, NodeView, PodView } from '../../../../src/engine/embedded/dataplane/types.ts';
import { hostInterfaceName } from '../../../../src/engine/embedded/dataplane/workloads.ts';

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

/**
 * Any cluster that the datastore could describe, also in the middle of a change: nodes without tunnel addresses or keys,
 * two nodes with one key, borrowed and clashing addresses, values that are no addresses at all. Blocks are each one
 * node's; a pod's name is its own.
 */
export const clusters: fc.Arbitrary<ClusterView> = fc
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
