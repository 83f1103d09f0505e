import { networkKey } from '../../net/cidr.ts';
import { type Family, IPV4 } from './families.ts';
import type { CalicoNode, WireguardDevice } from './keys.ts';

/** What is known of one node, for one family of addresses, when it is asked why encryption is not in force there. */
export interface NodeFindings extends CalicoNode {
  /** WireGuard on this machine: a kernel module, the program wireguard-go, or nothing that can be seen. */
  wireguard: 'kernel' | 'userspace' | 'none';
  kernel: string;
  /** What FelixConfiguration asks for on this node, and which object says so. */
  felix: { enabled: boolean; by: string; interface: string; port: number; priority: number };
  /** Which object says so of the port. */
  portBy: string;
  device?: WireguardDevice;
  /** Of the interface that has the node's address, in bytes; undefined where it could not be found. */
  underlayMtu?: number;
  /** Networks of the node's pods. */
  blocks: string[];
  /** Firewall rules that drop or reject UDP on WireGuard's port. */
  dropping: string[];
  /** Routing rules that come before Calico's and lead elsewhere, as `ip rule` shows them. */
  detours: string[];
  /** Why the node could not be asked: then nothing is known of it but what Kubernetes and Calico say. */
  unprobed?: string;
}

/** One link of the chain on one node. */
export interface Finding {
  /** The link's name, after the family's where that is not IPv4. */
  check: `${Family['before']}${Link}`;
  node: string;
  /** Null where an earlier link is broken, so that this one cannot be judged. */
  ok: boolean | null;
  seen: string;
  expected: string;
  /** What to do; empty where nothing is wrong. */
  remedy: string;
}

/** From what everything else needs to what shows that it works. */
const CHAIN = [
  'kernel',
  'felix configuration',
  'device',
  'port',
  'address',
  'public key',
  'peers',
  'firewall',
  'handshakes',
  'rule',
  'routes',
  'mtu',
] as const;

type Link = (typeof CHAIN)[number];

type Judge = (
  node: NodeFindings,
  nodes: readonly NodeFindings[],
  family: Family,
) => Pick<Finding, 'ok' | 'seen' | 'expected' | 'remedy'>;

/** Links that can be judged of a node which could not be asked. */
const PUBLISHED: readonly Link[] = ['felix configuration'];

/** Walks the chain of one family on every node, link by link: the first that is broken anywhere is the one to mend. */
export function diagnose(nodes: readonly NodeFindings[], family: Family = IPV4): Finding[] {
  return CHAIN.filter((link) => family.links(link)).flatMap((link) => {
    const asked = nodes.filter(({ unprobed }) => unprobed === undefined || PUBLISHED.includes(link));
    const check = `${family.before}${link}` as const;
    return asked.map((node) => ({ check, node: node.name, ...LINKS[link](node, nodes, family) }));
  });
}

/** The broken link that explains the others, or undefined where the whole chain holds. */
export function brokenLink(findings: readonly Finding[]): Finding | undefined {
  return findings.find(({ ok }) => ok === false);
}

const LINKS: { [link in Link]: Judge } = {
  kernel: ({ wireguard, kernel }) =>
    judge(wireguard !== 'none', {
      seen:
        wireguard === 'none'
          ? `Linux ${kernel}, no WireGuard`
          : `Linux ${kernel}, WireGuard by the ${words[wireguard]}`,
      expected: 'the module wireguard (Linux 5.6 or later), or wireguard-go',
      remedy: 'modprobe wireguard on the node; where there is no such module, another kernel, or install wireguard-go',
    }),
  'felix configuration': ({ felix }, _, { fields }) =>
    judge(felix.enabled, {
      seen: `${fields.enabled}: ${felix.enabled} (FelixConfiguration ${felix.by})`,
      expected: `${fields.enabled}: true`,
      remedy:
        felix.by === 'default'
          ? 'wglab encrypt on'
          : `kubectl delete felixconfiguration ${felix.by} (it overrides "default" for this node)`,
    }),
  device: ({ device, felix, wireguard }) =>
    judge(device?.up ?? false, {
      seen: device ? `${felix.interface} is ${device.up ? 'up' : 'down'}` : `no device ${felix.interface}`,
      expected: `${felix.interface}, up`,
      remedy: device
        ? `ip link set ${felix.interface} up; Felix does it too when it starts anew`
        : `kubectl logs -n calico-system -l k8s-app=calico-node | grep -i wireguard${wireguard === 'none' ? '; the kernel comes first' : ''}`,
    }),
  port: (node, nodes, { fields }) =>
    withDevice(node, (device) => {
      // Each node seeks the others on its own port, so that the one that differs is the one that nobody finds.
      const usual = commonest(nodes.map(({ felix }) => felix.port));
      const { port } = node.felix;
      return judge(device.listenPort === port && port === usual, {
        seen: `${node.felix.interface} listens on ${device.listenPort} (FelixConfiguration ${node.portBy} says ${port})`,
        expected: `${usual}, the same on every node`,
        remedy:
          port === usual
            ? 'restart calico-node on this node: it sets its port anew'
            : `kubectl delete felixconfiguration ${node.portBy}, or take ${fields.port} out of it`,
      });
    }),
  address: (node, _, { ip, bits }) =>
    withDevice(node, (device) => {
      const wanted = node.wireguardAddress;
      const has = device.addresses.map((address) => address.replace(new RegExp(`/${bits}$`), ''));
      return judge(wanted !== undefined && has.map(networkKey).includes(networkKey(wanted)), {
        seen: `${node.felix.interface} has ${has.join(', ') || 'no address'}; published: ${wanted ?? 'none'}`,
        expected: 'the published tunnel address, on the device',
        remedy: wanted
          ? `${ip} address add ${wanted}/${bits} dev ${node.felix.interface}; Felix does it too when it starts anew`
          : 'the pool may have no free address: kubectl get ippools, ipamblocks',
      });
    }),
  'public key': (node, nodes, { annotation }) =>
    withDevice(node, (device) => {
      const twin = nodes.find(
        ({ name, publicKey }) => name !== node.name && publicKey !== undefined && publicKey === node.publicKey,
      );
      return judge(device.publicKey !== '' && device.publicKey === node.publicKey && !twin, {
        seen: twin
          ? `the same key as ${twin.name}`
          : `the device has ${device.publicKey || 'no key'}, published is ${node.publicKey ?? 'none'}`,
        expected: `one key, on the device and in the annotation ${annotation}, and on no other node`,
        remedy: 'restart calico-node on this node: it publishes the key of its device; without a key look at its log',
      });
    }),
  peers: (node, nodes, family) =>
    withDevice(node, (device) => {
      const wrong = nodes.flatMap((other) => (other.name === node.name ? [] : peerFault(device, node, other, family)));
      return judge(wrong.length === 0, {
        seen: wrong.join('; ') || `${device.peers.length} peers`,
        expected: `${nodes.length - 1} peers, each with its key, endpoint, pod networks and tunnel addresses`,
        remedy: 'restart calico-node on this node: it sets its peers anew; wg show shows them',
      });
    }),
  handshakes: (node, nodes) =>
    withDevice(node, (device) => {
      const silent = nodes.filter((other) => {
        const peer = device.peers.find(({ publicKey }) => publicKey === other.publicKey);
        return other.name !== node.name && peer !== undefined && peer.latestHandshake === 0;
      });
      return judge(silent.length === 0, {
        seen: silent.length > 0 ? `none yet with ${silent.map(({ name }) => name).join(', ')}` : 'one with every peer',
        expected: 'a handshake with every peer, once there was traffic',
        remedy: `send something to a pod there; if that does not do it, UDP ${node.felix.port} is blocked between the nodes, or the keys differ`,
      });
    }),
  rule: (node, _, { ip }) =>
    withDevice(node, (device) => {
      const { priority } = node.felix;
      const [detour] = node.detours;
      if (device.rule === priority && detour !== undefined) {
        return judge(false, {
          seen: `another rule comes first: ${detour}`,
          expected: `nothing before ${priority} that leads pods' traffic elsewhere`,
          remedy: `${ip} rule del pref ${Number.parseInt(detour, 10)}; with it pods' traffic never comes to table 1`,
        });
      }
      return judge(device.rule === priority, {
        seen:
          device.rule === undefined ? 'no rule leads to table 1' : `a rule of priority ${device.rule} leads to table 1`,
        expected: `${priority}: not from all fwmark ${device.mark}/${device.mark} lookup 1`,
        remedy: `${ip} rule add pref ${priority} not fwmark ${device.mark}/${device.mark} lookup 1; without it pods' traffic leaves in clear`,
      });
    }),
  routes: (node, nodes, { ip }) =>
    withDevice(node, (device) => {
      const routed = new Set(device.routes.map(networkKey));
      const missing = nodes.flatMap((other) =>
        other.name === node.name || !other.publicKey
          ? []
          : other.blocks.filter((block) => !routed.has(networkKey(block))),
      );
      return judge(missing.length === 0, {
        seen:
          missing.length > 0
            ? `table 1 has no route to ${missing.join(', ')}`
            : `${device.routes.length} routes in table 1`,
        expected: `every pod network of the other nodes through ${node.felix.interface}`,
        remedy: missing.map((block) => `${ip} route add ${block} dev ${node.felix.interface} table 1`).join('; '),
      });
    }),
  firewall: ({ dropping, felix }) =>
    judge(dropping.length === 0, {
      seen: dropping[0] ?? 'no rule against it',
      expected: `UDP ${felix.port} let in and out`,
      remedy: /^ip6?tables /.test(dropping[0] ?? '')
        ? (dropping[0] ?? '').replace(' -A ', ' -D ')
        : 'take the rule away, and open the port in the firewalls between the nodes too',
    }),
  mtu: (node, nodes, { overhead, fields }) =>
    withDevice(node, (device) => {
      const { underlayMtu } = node;
      if (underlayMtu === undefined) return unknown('the underlay interface was not found');
      return judge(device.mtu <= underlayMtu - overhead, {
        seen: `${node.felix.interface} ${device.mtu}, underlay ${underlayMtu}`,
        expected: `at most ${underlayMtu - overhead}`,
        remedy: mtuRemedy(
          underlayMtu,
          commonest(nodes.flatMap((other) => other.underlayMtu ?? [])) ?? underlayMtu,
          `set ${fields.mtu} in FelixConfiguration to 0 (automatic) or to ${underlayMtu - overhead}`,
        ),
      });
    }),
};

const words = { kernel: 'kernel', userspace: 'program wireguard-go', none: '' };

/** An underlay that takes less than that of the other nodes is what to mend; else it is the device's own MTU. */
function mtuRemedy(underlay: number, usual: number, lower: string): string {
  return underlay < usual
    ? `the underlay of the other nodes takes ${usual}: ip link set DEVICE mtu ${usual} on this one; or ${lower}`
    : lower;
}

/** The value that most have; of several, the one that comes first. */
function commonest(values: readonly number[]): number | undefined {
  const count = (value: number) => values.filter((other) => other === value).length;
  return [...values].sort((a, b) => count(b) - count(a))[0];
}

function peerFault(device: WireguardDevice, node: NodeFindings, other: NodeFindings, { bits, host }: Family): string[] {
  if (!other.publicKey) return [`${other.name} publishes no key`];
  const peer = device.peers.find(({ publicKey }) => publicKey === other.publicKey);
  if (!peer) return [`${other.name} is no peer`];
  const endpoint = `${host(other.address)}:${node.felix.port}`;
  if (peer.endpoint !== endpoint) return [`${other.name} is sought at ${peer.endpoint}, not at ${endpoint}`];
  const allowed = new Set(peer.allowedIPs.map(networkKey));
  const tunnels = [other.vxlanAddress, other.wireguardAddress].flatMap((address) =>
    address ? [`${address}/${bits}`] : [],
  );
  const lacking = [...other.blocks, ...tunnels].filter((network) => !allowed.has(networkKey(network)));
  return lacking.length > 0 ? [`${other.name} may not send from ${lacking.join(', ')}`] : [];
}

type Judged = Pick<Finding, 'ok' | 'seen' | 'expected' | 'remedy'>;

function judge(ok: boolean, { seen, expected, remedy }: Omit<Judged, 'ok'>): Judged {
  return { ok, seen, expected, remedy: ok ? '' : remedy };
}

function withDevice(node: NodeFindings, look: (device: WireguardDevice) => Judged): Judged {
  return node.device ? look(node.device) : unknown(`no device ${node.felix.interface}`);
}

function unknown(seen: string): Judged {
  return { ok: null, seen, expected: '', remedy: '' };
}
