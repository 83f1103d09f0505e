import { networkKey } from '../../../net/cidr.ts';
import { restartCommand } from '../agent.ts';
import type { Family } from '../families.ts';
import type { WireguardDevice } from '../keys.ts';
import { type Judge, judge, type NodeFindings, onNode, withDevice } from './facts.ts';

/** The links from the kernel to the peers: what Felix makes on each node. */

export const kernel: Judge = ({ wireguard, kernel: release, device, felix }) => {
  const by = { kernel: 'WireGuard by the kernel', userspace: 'WireGuard by the program wireguard-go', none: '' };
  const made = wireguard === 'none' && device ? `${felix.interface} is there` : by[wireguard];
  return judge(wireguard !== 'none' || device !== undefined, {
    seen: `Linux ${release}, ${made || 'no WireGuard'}`,
    expected: 'WireGuard in the kernel (Linux 5.6 or later): Calico has no other',
    remedy: 'modprobe wireguard (on the machine of the nodes; or boot a kernel that has it)',
  });
};

export const felixConfiguration: Judge = ({ felix }, _, { fields }) =>
  judge(felix.enabled, {
    seen: `${fields.enabled}: ${felix.enabled} (FelixConfiguration ${felix.by})`,
    expected: `${fields.enabled}: true`,
    remedy:
      felix.by === 'default'
        ? 'wglab encrypt on'
        : `kubectl delete felixconfiguration ${felix.by} (it overrides "default" for this node)`,
  });

export const device: Judge = ({ name, device: found, felix, portHolders }) => {
  const [holder] = found?.up ? [] : portHolders;
  const state = found ? `${felix.interface} is ${found.up ? 'up' : 'down'}` : `no device ${felix.interface}`;
  const held = holder ? `; UDP ${felix.port} is held by ${holder.name} (process ${holder.pid})` : '';
  const free = holder ? `${onNode(name, `kill ${holder.pid}`)}; ` : '';
  return judge(found?.up ?? false, {
    seen: `${state}${held}`,
    expected: `${felix.interface}, up`,
    // A device that is only set up again has lost its routes: Felix makes them too.
    remedy: `${free}${restartCommand(name)}`,
  });
};

export const port: Judge = (node, nodes, { fields }) =>
  withDevice(node, (found) => {
    // Each node looks for the others on its own port, so that the one that differs is the one that nobody finds.
    const usual = commonest(nodes.map(({ felix }) => felix.port));
    const { port: wanted } = node.felix;
    const [holder] = found.listenPort === wanted ? [] : node.portHolders;
    const held = holder ? `; UDP ${wanted} is held by ${holder.name} (process ${holder.pid})` : '';
    const free = holder ? `${onNode(node.name, `kill ${holder.pid}`)}; ` : '';
    return judge(found.listenPort === wanted && wanted === usual, {
      seen: `${node.felix.interface} listens on ${found.listenPort} (FelixConfiguration ${node.portBy} says ${wanted})${held}`,
      expected: `${usual}, the same on every node`,
      remedy:
        wanted === usual
          ? holder
            ? `${free}${restartCommand(node.name)}`
            : onNode(node.name, `wg set ${node.felix.interface} listen-port ${wanted}`)
          : `kubectl delete felixconfiguration ${node.portBy} (or remove ${fields.port} from it)`,
    });
  });

export const address: Judge = (node, _, { ip, bits }) =>
  withDevice(node, (found) => {
    const wanted = node.wireguardAddress;
    const has = found.addresses.map((one) => one.replace(new RegExp(`/${bits}$`), ''));
    const lost = node.publicKey !== undefined && wanted === undefined;
    return judge(wanted !== undefined && has.map(networkKey).includes(networkKey(wanted)), {
      seen: `${node.felix.interface} has ${has.join(', ') || 'no address'}; published: ${wanted ?? 'none'}${lost ? ', though its key is (a known fault of Calico 3.32, if it lasts)' : ''}`,
      expected: 'the published tunnel address, on the device',
      remedy: wanted
        ? onNode(node.name, `${ip} address add ${wanted}/${bits} dev ${node.felix.interface}`)
        : restartCommand(node.name),
    });
  });

export const publicKey: Judge = (node, nodes, { annotation }) =>
  withDevice(node, (found) => {
    const twin = nodes.find(
      ({ name, publicKey: key }) => name !== node.name && key !== undefined && key === node.publicKey,
    );
    return judge(found.publicKey !== '' && found.publicKey === node.publicKey && !twin, {
      seen: twin
        ? `the same key as ${twin.name}`
        : `the device has ${found.publicKey || 'no key'}, published is ${node.publicKey ?? 'none'}`,
      expected: `one key, on the device and in the annotation ${annotation}, and on no other node`,
      remedy: restartCommand(node.name),
    });
  });

export const peers: Judge = (node, nodes, family) =>
  withDevice(node, (found) => {
    const published = new Set(nodes.map(({ publicKey: key }) => key));
    const strangers = found.peers.filter(({ publicKey: key }) => !published.has(key));
    const wrong = nodes.flatMap((other) => (other.name === node.name ? [] : peerFaults(found, node, other, family)));
    const strange = strangers.map(
      ({ publicKey: key, endpoint, allowedIPs }) =>
        `a peer that no node publishes gets ${allowedIPs.join(', ') || 'nothing'}: ${key} at ${endpoint}`,
    );
    const [stranger] = strangers;
    return judge(wrong.length === 0 && strange.length === 0, {
      seen: [...strange, ...wrong].join('; ') || `${found.peers.length} peers`,
      expected: `${nodes.length - 1} peers, each with its key, endpoint, pod networks and tunnel addresses`,
      remedy: stranger
        ? onNode(node.name, `wg set ${node.felix.interface} peer ${stranger.publicKey} remove`)
        : restartCommand(node.name),
    });
  });

function peerFaults(found: WireguardDevice, node: NodeFindings, other: NodeFindings, { bits, host }: Family): string[] {
  if (!other.publicKey) return [`${other.name} publishes no key`];
  const peer = found.peers.find(({ publicKey: key }) => key === other.publicKey);
  if (!peer) return [`${other.name} is no peer`];
  const endpoint = `${host(other.address)}:${node.felix.port}`;
  if (peer.endpoint !== endpoint) return [`${other.name} is looked for at ${peer.endpoint}, not at ${endpoint}`];
  const allowed = new Set(peer.allowedIPs.map(networkKey));
  const tunnels = [other.vxlanAddress, other.wireguardAddress].flatMap((one) => (one ? [`${one}/${bits}`] : []));
  const lacking = [...other.blocks, ...tunnels].filter((network) => !allowed.has(networkKey(network)));
  return lacking.length > 0 ? [`${other.name} may not send from ${lacking.join(', ')}`] : [];
}

/** Returns the value that most have; of several, the one that comes first. */
export function commonest<T>(values: readonly T[]): T | undefined {
  const count = (value: T) => values.filter((other) => other === value).length;
  return [...values].sort((a, b) => count(b) - count(a))[0];
}
