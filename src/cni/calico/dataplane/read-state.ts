import { labFailure, messageOf } from '../../../errors.ts';
import { UPLINK, VXLAN_DEVICES, WIREGUARD_MARK, WIREGUARD_TABLE, WORKLOAD_PREFIX } from './constants.ts';
import { readAddresses, readFdb, readLinks, readNeighbours, readRoutes, readRules } from './read-iproute.ts';
import type { NodeState, WireguardState } from './types.ts';

/** A command whose output says what a node has. */
export interface ReadCommand {
  command: string;
  arguments: readonly string[];
  /** Text for its standard input. */
  input: string;
}

/** Settings of interfaces that Felix writes, and of the node. */
const SYSCTL_NAMES = ['proxy_arp', 'route_localnet', 'forwarding', 'rp_filter', 'proxy_delay', 'ip_forward'];

/**
 * The commands whose output `readState` reads, for a node's network and mount namespaces: four, and one more if the cluster has IPv6. Numbers rather than names
 * (`-N`), because names come from the machine's /etc/iproute2. `wg show all dump` prints the private key: its output must
 * go nowhere but to `readState`.
 */
export const READ_COMMANDS = {
  ip: {
    command: 'ip',
    arguments: ['-N', '-j', '-d', '-batch', '-'],
    input: 'address show\nroute show table all\nrule show\nneighbour show nud permanent\n',
  },
  rules6: { command: 'ip', arguments: ['-6', '-N', '-j', 'rule', 'show'], input: '' },
  bridge: { command: 'bridge', arguments: ['-j', 'fdb', 'show'], input: '' },
  wg: { command: 'wg', arguments: ['show', 'all', 'dump'], input: '' },
  sysctl: {
    command: 'grep',
    arguments: [
      '-rs',
      ...SYSCTL_NAMES.map((name) => `--include=${name}`),
      '.',
      ...['conf', 'neigh', 'ip_forward'].map((name) => `/proc/sys/net/ipv4/${name}`),
    ],
    input: '',
  },
} as const satisfies Record<string, ReadCommand>;

/** The standard outputs of READ_COMMANDS; without `rules6` in a cluster of IPv4 alone. */
export type ReadOutputs = Record<Exclude<keyof typeof READ_COMMANDS, 'rules6'>, string> & { rules6?: string };

/**
 * Returns Felix' part of what a node has: the VXLAN devices, the WireGuard devices (those of these names, and any other that carries
 * Calico's mark, as one does whose name was changed), the pods' veth pairs, routes of these devices, of protocol 80 and in
 * table 1, rules that lead there, permanent neighbours and FDB entries. Without private keys. Throws a lab failure if
 * an output cannot be read.
 */
export function readState(outputs: ReadOutputs, wireguardNames: readonly string[]): NodeState {
  const [links = [], routes = [], rules = [], neighbours = []] = parseArrays(outputs.ip, 'ip -j');
  const [rules6 = []] = parseArrays(outputs.rules6 ?? '', 'ip -6 -j rule');
  const [fdb = []] = parseArrays(outputs.bridge, 'bridge -j fdb');
  const devices = readWireguard(outputs.wg).filter(
    (device) => wireguardNames.includes(device.name) || device.mark === WIREGUARD_MARK,
  );
  const names = new Set([...wireguardNames, ...devices.map((device) => device.name)]);
  const isVxlan = (name: string | undefined) => Object.values<string | undefined>(VXLAN_DEVICES).includes(name);
  const isFelix = (name: string | undefined) => isVxlan(name) || (name !== undefined && names.has(name));
  const isWorkload = (name: string | undefined) => name?.startsWith(WORKLOAD_PREFIX) ?? false;
  const running = new Set(devices.map((device) => device.name));
  const kinds = readLinks(links, running).filter(({ name }) => isFelix(name) || isWorkload(name));
  return {
    links: kinds.map(({ userspace: _, ...link }) => link),
    addresses: readAddresses(links).filter(({ device }) => isFelix(device)),
    routes: readRoutes(routes, (device) => isFelix(device) || isWorkload(device)),
    rules: [...readRules(rules), ...readRules(rules6, 6)].filter(({ table }) => table === WIREGUARD_TABLE),
    neighbours: readNeighbours(neighbours).filter(({ device }) => isVxlan(device)),
    fdb: readFdb(fdb).filter(({ device }) => isVxlan(device)),
    wireguard: devices.map((device) => {
      const userspace = kinds.find(({ name }) => name === device.name)?.userspace;
      return userspace === undefined ? device : { ...device, dataplane: userspace ? 'userspace' : 'kernel' };
    }),
    sysctls: readSysctls(outputs.sysctl, (device) => device === UPLINK || isFelix(device) || isWorkload(device)),
  };
}

/** Arrays of objects that a batch of commands printed one after another. */
function parseArrays(output: string, what: string): unknown[][] {
  try {
    const parsed: unknown = JSON.parse(`[${output.trim().replace(/\]\s*\[/g, '],[')}]`);
    return Array.isArray(parsed) ? parsed.filter(Array.isArray) : [];
  } catch (error) {
    throw labFailure(`${what} printed what wglab cannot read`, { detail: messageOf(error), cause: error });
  }
}

/** The lines of `wg show all dump`: five fields for a device, nine for a peer. The private key is the second of the five. */
function readWireguard(output: string): WireguardState[] {
  const devices = new Map<string, WireguardState>();
  for (const line of output.split('\n').filter((line) => line !== '')) {
    const [name = '', ...fields] = line.split('\t');
    if (fields.length === 4) {
      const [, publicKey, listenPort, mark] = fields;
      devices.set(name, {
        name,
        listenPort: Number(listenPort),
        mark: mark === 'off' ? 0 : Number(mark),
        peers: [],
        ...(publicKey && publicKey !== '(none)' ? { publicKey } : {}),
      });
    } else {
      const [publicKey = '', , endpoint = '(none)', allowedIPs = '(none)', , , , keepalive = 'off'] = fields;
      devices.get(name)?.peers.push({
        publicKey,
        ...(endpoint === '(none)' ? {} : { endpoint }),
        allowedIPs: allowedIPs === '(none)' ? [] : allowedIPs.split(','),
        keepalive: keepalive === 'off' ? 0 : Number(keepalive),
      });
    }
  }
  return [...devices.values()];
}

/** Lines such as `/proc/sys/net/ipv4/conf/eth0/proxy_arp:0`. */
function readSysctls(output: string, isKnown: (device: string | undefined) => boolean): Record<string, string> {
  const lines = output.split('\n').map((line) => /^\/proc\/sys\/(net\/ipv4\/.+):([^:]*)$/.exec(line));
  return Object.fromEntries(
    lines.flatMap((match) => {
      const [, path, value] = match ?? [];
      if (path === undefined || value === undefined) return [];
      return path === 'net/ipv4/ip_forward' || isKnown(path.split('/')[3]) ? [[path, value]] : [];
    }),
  );
}
