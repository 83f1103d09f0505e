import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planChanges } from '../../../../src/cni/calico/dataplane/changes.ts';
import { desiredState, emptyState } from '../../../../src/cni/calico/dataplane/felix.ts';
import type { ChangeStep, ClusterView, FamilyView, NodeState } from '../../../../src/cni/calico/dataplane/types.ts';
import { holds } from '../../../../src/net/families.ts';
import { clusters, labView } from './clusters.ts';
import { applied, comparable } from './kernel-model.ts';

const WORKER = 'wireguard-worker';

/** Two clusters and what somebody broke: a node has what the first one wants, less some of it, and the pods' interfaces. */
const situations = fc.record({
  before: clusters,
  after: clusters,
  broken: fc.infiniteStream(fc.nat(9)),
  down: fc.boolean(),
});

function damaged(state: NodeState, broken: Iterator<number>, down: boolean): NodeState {
  const some = <T>(values: T[]) => values.filter(() => broken.next().value !== 0);
  const routes = some(state.routes);
  return {
    ...state,
    links: state.links.map((link) => (down && link.type === 'vxlan' ? { ...link, up: false } : link)),
    // A device that is down has no routes, and no addresses of IPv6.
    routes: down ? routes.filter((route) => !route.device?.startsWith('vxlan')) : routes,
    addresses: down ? state.addresses.filter(({ device }) => device !== 'vxlan-v6.calico') : state.addresses,
    rules: [
      ...some(state.rules),
      ...some([{ priority: 99, not: false, mark: 0, mask: 0, table: 1 }]).slice(0, broken.next().value === 0 ? 1 : 0),
    ],
    neighbours: some(state.neighbours),
    fdb: some(state.fdb),
    wireguard: state.wireguard.map((device) => ({ ...device, peers: some(device.peers) })),
  };
}

function withInterfaces(state: NodeState, desired: NodeState): NodeState {
  const missing = desired.links.filter(
    (link) => link.type === 'veth' && !state.links.some((there) => there.name === link.name),
  );
  return { ...state, links: [...state.links, ...missing] };
}

test('from any state, the plan gives exactly what should be, and then there is nothing more to do', () => {
  fc.assert(
    fc.property(situations, ({ before, after, broken, down }) => {
      for (const { name } of after.nodes) {
        const desired = desiredState(after, name);
        const actual = withInterfaces(damaged(desiredState(before, name), broken[Symbol.iterator](), down), desired);
        const result = applied(actual, planChanges(actual, desired).steps);
        expect(comparable(result)).toEqual(comparable(desired));
        expect(result.sysctls).toMatchObject(desired.sysctls);
        expect(planChanges(result, desired)).toEqual({ steps: [] });
      }
    }),
    { numRuns: 400 },
  );
});

test('with WireGuard off, nothing of it stays, and with no node left nothing at all', () => {
  fc.assert(
    fc.property(clusters, (view) => {
      const without = <T extends FamilyView>(part: T): T => ({
        ...part,
        nodes: part.nodes.map((node) => ({ ...node, wireguardEnabled: false })),
      });
      const off = { ...without(view), ipv6: view.ipv6 && without(view.ipv6) };
      for (const { name } of view.nodes) {
        const actual = desiredState(view, name);
        const result = applied(actual, planChanges(actual, desiredState(off, name)).steps);
        expect(result.wireguard).toEqual([]);
        expect(result.rules).toEqual([]);
        expect(result.routes.filter((route) => route.table === 1)).toEqual([]);
        expect(result.links.filter((link) => link.type === 'wireguard')).toEqual([]);
        const gone = applied(result, planChanges(result, emptyState()).steps);
        expect(comparable(gone)).toEqual(comparable(emptyState()));
      }
    }),
  );
});

test('a network has one way: one peer for each allowed IP, the same networks routed into the device, none of them of this node', () => {
  fc.assert(
    fc.property(clusters, (view) => {
      for (const node of view.nodes) {
        const { wireguard, routes } = desiredState(view, node.name);
        const allowed = wireguard.flatMap((device) => device.peers.flatMap((peer) => peer.allowedIPs));
        const tunnelled = routes
          .filter(({ table, type }) => table === 1 && type === 'unicast')
          .map((route) => route.destination);
        expect(new Set(allowed).size).toBe(allowed.length);
        expect([...tunnelled].sort()).toEqual([...allowed].sort());
        for (const block of node.blocks) expect(allowed).not.toContain(block);
        for (const pod of node.pods) expect(allowed).not.toContain(`${pod.address}/32`);
        const other = view.ipv6?.nodes.find(({ name }) => name === node.name);
        for (const block of other?.blocks ?? []) expect(allowed).not.toContain(block);
        for (const pod of other?.pods ?? []) expect(allowed).not.toContain(`${pod.address}/128`);
        // Nobody's traffic goes into the tunnel by the rule alone: table 1 has no other unicast routes, and no default.
        for (const wire of ['172.18.0.1', 'fc00:f853:ccd:e793::1']) {
          expect(tunnelled.some((cidr) => holds(cidr, wire))).toBe(false);
        }
      }
    }),
  );
});

test('a route to a pod waits for its interface', () => {
  const view = labView();
  const desired = desiredState(view, WORKER);
  expect(JSON.stringify(planChanges(emptyState(), desired))).not.toContain('cali0');
  const hostInterface = view.nodes[1]?.pods[0]?.hostInterface ?? '';
  expect(JSON.stringify(planChanges(emptyState(), desired))).not.toContain(hostInterface);
  expect(JSON.stringify(planChanges(withInterfaces(emptyState(), desired), desired))).toContain(hostInterface);
});

/** The steps from one view of the cluster to another on the worker, each in one text. */
function steps(before: ClusterView, after: ClusterView): string[] {
  return planChanges(desiredState(before, WORKER), desiredState(after, WORKER)).steps.flatMap(texts);
}

function texts(step: ChangeStep): string[] {
  if (step.kind === 'batch') return step.lines.map((line) => `${step.tool} ${line}`);
  if (step.kind === 'sysctl') return step.writes.map(({ path, value }) => `${path}=${value}`);
  if (step.kind === 'wgSet') return [`wg set ${step.arguments.join(' ')}`];
  return [`${step.kind} ${step.name}`];
}

const on = labView({}, true);
const withFelix = (change: Partial<ClusterView['felix']>) => ({ ...on, felix: { ...on.felix, ...change } });
const [KEY2, KEY4] = [on.nodes[0]?.wireguardPublicKey, on.nodes[2]?.wireguardPublicKey];

test('WireGuard goes on link first and rule last', () => {
  expect(steps(labView(), on)).toEqual([
    'createWireguard wireguard.cali',
    'ip link set dev wireguard.cali mtu 1440',
    'ip link set dev wireguard.cali up',
    'ip address add 192.168.3.65/32 dev wireguard.cali',
    'net/ipv4/conf/wireguard.cali/proxy_arp=0',
    'net/ipv4/conf/wireguard.cali/route_localnet=0',
    'wg set wireguard.cali listen-port 51820 fwmark 0x200000' +
      ` peer ${KEY2} endpoint 172.18.0.2:51820 allowed-ips 192.168.2.64/26,192.168.2.64/32,192.168.2.65/32` +
      ` peer ${KEY4} endpoint 172.18.0.4:51820 allowed-ips 192.168.4.64/26,192.168.4.64/32,192.168.4.65/32`,
    'ip route replace throw 192.168.3.64/26 table 1 proto 3',
    'ip route replace unicast 192.168.2.64/26 dev wireguard.cali table 1 proto 3 scope link',
    'ip route replace unicast 192.168.2.64/32 dev wireguard.cali table 1 proto 3 scope link',
    'ip route replace unicast 192.168.2.65/32 dev wireguard.cali table 1 proto 3 scope link',
    'ip route replace unicast 192.168.4.64/26 dev wireguard.cali table 1 proto 3 scope link',
    'ip route replace unicast 192.168.4.64/32 dev wireguard.cali table 1 proto 3 scope link',
    'ip route replace unicast 192.168.4.65/32 dev wireguard.cali table 1 proto 3 scope link',
    'ip rule add pref 99 not fwmark 0x200000/0x200000 lookup 1',
  ]);
});

test('WireGuard goes off rule first, and takes its routes along before its device', () => {
  const off = steps(on, labView());
  expect(off[0]).toBe('ip rule del pref 99 lookup 1');
  expect(off.slice(1, -1).every((line) => /^ip route del .* table 1 /.test(line))).toBe(true);
  expect(off.at(-1)).toBe('removeWireguard wireguard.cali');
});

test.each([
  [
    'port',
    { wireguardListeningPort: 4500 },
    [
      `wg set wireguard.cali listen-port 4500 peer ${KEY2} endpoint 172.18.0.2:4500 peer ${KEY4} endpoint 172.18.0.4:4500`,
    ],
  ],
  ['MTU', { wireguardMTU: 1400 }, ['ip link set dev wireguard.cali mtu 1400']],
  [
    'keepalive',
    { wireguardKeepAlive: 25 },
    [`wg set wireguard.cali peer ${KEY2} persistent-keepalive 25 peer ${KEY4} persistent-keepalive 25`],
  ],
  [
    'priority',
    { wireguardRoutingRulePriority: 101 },
    ['ip rule add pref 101 not fwmark 0x200000/0x200000 lookup 1', 'ip rule del pref 99 lookup 1'],
  ],
])('a change of the %s does no more than it must', (_, change, expected) => {
  expect(steps(on, withFelix(change))).toEqual(expected);
});

test('a change of the interface name recreates the device and leaves the rule', () => {
  const plan = steps(on, withFelix({ wireguardInterfaceName: 'wg-new' }));
  expect(plan[0]).toBe('removeWireguard wireguard.cali');
  expect(plan[1]).toBe('createWireguard wg-new');
  expect(plan.join('\n')).not.toContain('rule');
});

test('a node that loses its tunnel address keeps the device, which loses its routes with its last address', () => {
  const bare = labView({}, true);
  const node = bare.nodes[1];
  if (node) node.wireguardAddress = undefined;
  const plan = steps(on, bare);
  expect(plan[0]).toBe('ip address del 192.168.3.65/32 dev wireguard.cali');
  expect(plan.filter((line) => /^ip route replace unicast .* dev wireguard\.cali table 1 /.test(line))).toHaveLength(6);
  expect(plan).toHaveLength(7);
});

test('a new key of a peer is one wg command: the old peer goes before the new one takes its networks', () => {
  const rotated = labView({}, true);
  const node = rotated.nodes[2];
  if (node) node.wireguardPublicKey = Buffer.alloc(32, 77).toString('base64');
  expect(steps(on, rotated)).toEqual([
    `wg set wireguard.cali peer ${KEY4} remove peer ${node?.wireguardPublicKey} endpoint 172.18.0.4:51820` +
      ' allowed-ips 192.168.4.64/26,192.168.4.64/32,192.168.4.65/32',
  ]);
});

test('a new VNI recreates the VXLAN device with all that was on it; a new MTU does not', () => {
  const plan = steps(labView(), labView({ felix: { ...labView().felix, vxlanVNI: 5 } }));
  expect(plan.slice(0, 2)).toEqual([
    'ip link delete dev vxlan.calico',
    expect.stringContaining('ip link add name vxlan.calico mtu 1450 address 66:'),
  ]);
  expect(plan.filter((line) => line.startsWith('bridge fdb replace'))).toHaveLength(2);
  expect(plan.filter((line) => line.startsWith('ip route replace'))).toHaveLength(2);
  const mtu = steps(labView(), labView({ felix: { ...labView().felix, vxlanMTU: 1300 } }));
  expect(mtu).toEqual([
    'ip link set dev vxlan.calico mtu 1300',
    expect.stringMatching(/^ip route replace unicast 192\.168\.2\.64\/26 .* mtu 1300$/),
    expect.stringMatching(/^ip route replace unicast 192\.168\.4\.64\/26 .* mtu 1300$/),
  ]);
});
