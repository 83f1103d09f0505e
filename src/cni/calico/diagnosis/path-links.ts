import { networkKey } from '../../../net/cidr.ts';
import { commonest } from './device-links.ts';
import { type Judge, type Judged, judge, type NodeFindings, onNode, unknown, withDevice } from './facts.ts';
import { mayDropForwarded, mayDropTunnel, mayMark, removal, shownRule } from './firewall.ts';

/** The links along which packets travel: what the kernel does with them on each node. */

/** A session is renewed after 120 s, and is over after 180 s (WireGuard, REJECT_AFTER_TIME). */
const SESSION_S = 180;

export const firewall: Judge = (node, nodes) => {
  const others = nodes.filter(({ name }) => name !== node.name);
  const tunnelFails = hasSilentTunnel(node) || others.some((other) => isSilentTowards(other, node.name));
  const trafficFails = [node, ...others].some(
    (one) => one.traffic === undefined || one.traffic.some(({ answered }) => !answered),
  );
  const allBlocks = nodes.flatMap(({ blocks }) => blocks);
  const addresses = others.map(({ address }) => address);
  const rule =
    node.firewall.find((one) => tunnelFails && mayDropTunnel(one, node, addresses)) ??
    node.firewall.find((one) => trafficFails && mayDropForwarded(one, node, allBlocks));
  const harmless = node.firewall.filter((one) => /drop|reject/i.test(one.text)).length;
  return judge(rule === undefined, {
    seen: rule
      ? shownRule(rule)
      : harmless > 0
        ? `${harmless} rules that drop, and packets pass`
        : 'no rule against it',
    expected: `UDP ${node.felix.port} let in and out, and pods' packets forwarded`,
    remedy: rule ? removal(node.name, rule) : '',
  });
};

/** Returns whether something that was sent from a node did not arrive; also if nothing could be sent. */
function hasSilentTunnel({ tunnels }: NodeFindings): boolean {
  return tunnels === undefined || tunnels.some(({ arrived }) => !arrived);
}

function isSilentTowards({ tunnels }: NodeFindings, node: string): boolean {
  return tunnels?.some((one) => one.node === node && !one.arrived) ?? false;
}

export const handshakes: Judge = (node, nodes) =>
  withDevice(node, (device) => {
    const now = Date.now() / 1000;
    const silent = nodes.flatMap((other) => {
      const peer = device.peers.find(({ publicKey }) => publicKey === other.publicKey);
      if (other.name === node.name || peer === undefined) return [];
      // A datagram that arrived since made them shake hands.
      if (node.tunnels?.some((one) => one.node === other.name && one.arrived)) return [];
      if (peer.latestHandshake === 0) return [`none yet with ${other.name}`];
      const age = Math.round(now - peer.latestHandshake);
      return age > SESSION_S && isSilentTowards(node, other.name)
        ? [`the last with ${other.name} is ${age} s old`]
        : [];
    });
    return judge(silent.length === 0, {
      seen: silent.join('; ') || 'one with every peer',
      expected: 'a handshake with every peer, once there was traffic',
      remedy: `UDP ${node.felix.port} is blocked between the nodes, or their keys differ: ${onNode(node.name, `wg show ${node.felix.interface}`)}`,
    });
  });

export const forwarding: Judge = ({ name, forwards }, _, { version }) => {
  const setting = version === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
  if (forwards === undefined) return unknown(`${setting} could not be read`);
  return judge(forwards, {
    seen: `${setting} = ${forwards ? 1 : 0}`,
    expected: `${setting} = 1`,
    remedy: onNode(name, `sysctl -w ${setting}=1`),
  });
};

export const rule: Judge = (node, _, { ip }) =>
  withDevice(node, (device) => {
    const { priority } = node.felix;
    const [detour] = node.detours;
    if (device.rule === priority && detour !== undefined) {
      return judge(false, {
        seen: `another rule comes first: ${detour}`,
        expected: `nothing before ${priority} that leads pods' traffic elsewhere`,
        remedy: onNode(node.name, `${ip} rule del pref ${Number.parseInt(detour, 10)}`),
      });
    }
    return judge(device.rule === priority, {
      seen:
        device.rule === undefined
          ? "no rule leads to table 1: pods' traffic leaves as plaintext"
          : `a rule of priority ${device.rule} leads to table 1`,
      expected: `${priority}: not from all fwmark ${device.mark}/${device.mark} lookup 1`,
      remedy: onNode(node.name, `${ip} rule add pref ${priority} not fwmark ${device.mark}/${device.mark} lookup 1`),
    });
  });

export const mark: Judge = (node) =>
  withDevice(node, (device) => {
    const found = node.firewall.find((one) => mayMark(one, device.mark));
    return judge(found === undefined, {
      seen: found ? `${shownRule(found)}: what it marks gets past WireGuard` : `nobody else sets ${device.mark}`,
      expected: `${device.mark} is set by WireGuard's own packets alone`,
      remedy: found ? removal(node.name, found) : '',
    });
  });

export const routes: Judge = (node, nodes, { ip }) =>
  withDevice(node, (device) => {
    const routed = new Set(device.routes.map(networkKey));
    const wanted = nodes.flatMap((other) => (other.name === node.name || !other.publicKey ? [] : other.blocks));
    const missing = wanted.filter((block) => !routed.has(networkKey(block)));
    const via = node.felix.interface;
    const astray = node.paths.filter((path) => path.device !== via);
    const [first] = astray;
    const more = astray.length > 1 ? ` and ${astray.length - 1} more pods` : '';
    const seen =
      missing.length > 0
        ? `table 1 has no route through ${via} to ${missing.join(', ')}`
        : first
          ? `to ${first.pod} on ${first.node}${more}, the kernel ${first.device ? `uses ${first.device}` : `says: ${first.refused}`}`
          : `${device.routes.length} routes in table 1${node.paths.length > 0 ? `; ${node.paths.length} pods' addresses tried` : ''}`;
    const replace = missing.map((block) => onNode(node.name, `${ip} route replace ${block} dev ${via} table 1`));
    const stray = node.strayRoutes.map((route) => onNode(node.name, `${ip} route del ${route} table 1`));
    const remedies = missing.length > 0 ? replace : stray;
    return judge(missing.length === 0 && astray.length === 0, {
      seen,
      expected: `every pod network of the other nodes through ${via}`,
      remedy: remedies.join('; ') || onNode(node.name, `${ip} route get ${first?.pod}`),
    });
  });

export const mtu: Judge = (node, nodes, { overhead, fields }) =>
  withDevice(node, (device) => {
    const { underlay } = node;
    if (underlay === undefined) return unknown('the underlay interface was not found');
    const usual = commonest(nodes.flatMap((other) => other.underlay?.mtu ?? [])) ?? underlay.mtu;
    const configure = `kubectl patch felixconfiguration default --type=merge -p '{"spec":{"${fields.mtu}":${underlay.mtu - overhead}}}'`;
    return judge(device.mtu <= underlay.mtu - overhead, {
      seen: `${node.felix.interface} ${device.mtu}, underlay ${underlay.mtu}`,
      expected: `at most ${underlay.mtu - overhead}`,
      // An underlay that takes less than that of the other nodes is what to fix; else it is the device's own MTU.
      remedy: underlay.mtu < usual ? onNode(node.name, `ip link set ${underlay.device} mtu ${usual}`) : configure,
    });
  });

export const tunnel: Judge = (node) =>
  withDevice(node, () => {
    if (node.tunnels === undefined) return unknown('nothing could be sent through it');
    const silent = node.tunnels.filter(({ arrived }) => !arrived).map((one) => one.node);
    return judge(silent.length === 0, {
      seen:
        silent.length > 0
          ? `a datagram to ${silent.join(', ')} did not arrive`
          : `a datagram to each of ${node.tunnels.length} nodes arrived`,
      expected: 'what is sent into the tunnel arrives on the other node',
      remedy: `something between the nodes drops UDP ${node.felix.port}: wglab capture --node ${node.name}`,
    });
  });

export const traffic: Judge = (node) =>
  withDevice(node, () => {
    if (node.traffic === undefined) return unknown('no pod could be entered', 'wglab verify');
    const judged = node.traffic.map(judgeTraffic);
    return (
      judged.find(({ ok }) => ok === false) ??
      judged.find(({ ok }) => ok === null) ??
      judge(true, {
        seen: `packets of a pod to pods on ${node.traffic.length} nodes went through the tunnel`,
        expected: TRAFFIC,
        remedy: '',
      })
    );
  });

const TRAFFIC = "pods' packets go through the tunnel, and are answered";

/** The tunnel may carry less than was sent if a policy drops it: only what left outside the tunnel, or got lost in it, is wrong for sure. */
function judgeTraffic({
  from,
  to,
  node,
  sentBytes,
  carriedBytes,
  arrivedBytes,
  besideBytes,
  answered,
}: Traffic): Judged {
  const what = `${sentBytes} bytes from pod ${from} to pod ${to} on ${node}`;
  const remedy = 'wglab verify --expect encrypted';
  if (carriedBytes < sentBytes) {
    const beside = besideBytes >= sentBytes - carriedBytes;
    if (beside) {
      return judge(false, {
        seen: `of ${what}, the tunnel carried ${carriedBytes}: they left outside it`,
        expected: TRAFFIC,
        remedy,
      });
    }
    return unknown(`of ${what}, the tunnel carried ${carriedBytes}: a NetworkPolicy or a firewall drops them`, remedy);
  }
  if (arrivedBytes !== undefined && arrivedBytes < sentBytes) {
    return judge(false, { seen: `of ${what}, ${arrivedBytes} arrived`, expected: TRAFFIC, remedy });
  }
  if (!answered)
    return unknown(`pod ${to} on ${node} does not answer pod ${from}: a NetworkPolicy or a firewall`, remedy);
  return judge(true, { seen: '', expected: TRAFFIC, remedy: '' });
}

type Traffic = NonNullable<NodeFindings['traffic']>[number];
