import { MAIN_TABLE, PROTO_CALICO, WIREGUARD_TABLE } from './constants.ts';
import type { AddressState, FdbState, LinkState, NeighbourState, RouteState, RuleState } from './types.ts';

/** Fields of iproute2's JSON that are used. All can be missing: versions differ, and filters leave empty objects behind. */
interface IpLink {
  ifname?: string;
  mtu?: number;
  address?: string;
  flags?: string[];
  linkinfo?: {
    info_kind?: string;
    info_data?: { id?: number; port?: number; local?: string; local6?: string; link?: string };
  };
  addr_info?: { family?: string; local?: string; prefixlen?: number }[];
}

interface IpRoute {
  type?: string;
  dst?: string;
  gateway?: string;
  dev?: string;
  table?: string | number;
  protocol?: string | number;
  scope?: string | number;
  metric?: number;
  flags?: string[];
  metrics?: { mtu?: number }[];
}

interface IpRule extends Record<string, unknown> {
  priority?: number;
  fwmark?: string;
  fwmask?: string;
  table?: string | number;
}

/** iproute2's names and their numbers: versions before 5.1 know no `-N`. */
const NUMBERS: Record<string, number> = { boot: 3, kernel: 2, static: 4, main: 254, local: 255, default: 253 };
const TYPES: Record<string, RouteState['type']> = {
  1: 'unicast',
  6: 'blackhole',
  9: 'throw',
  unicast: 'unicast',
  blackhole: 'blackhole',
  throw: 'throw',
};

/** The links; one that answers `wg` is WireGuard's, and wireguard-go's if the kernel calls it something else. */
export function readLinks(entries: unknown[], wireguard: ReadonlySet<string>): (LinkState & { userspace: boolean })[] {
  return (entries as IpLink[]).flatMap(({ ifname: name, mtu = 0, address, flags = [], linkinfo }) => {
    if (name === undefined) return [];
    const { info_kind: kind = '', info_data: data } = linkinfo ?? {};
    const type = wireguard.has(name)
      ? 'wireguard'
      : kind === 'vxlan' || kind === 'veth' || kind === 'wireguard'
        ? kind
        : 'other';
    const link = {
      name,
      type,
      mtu,
      up: flags.includes('UP'),
      userspace: type === 'wireguard' && kind !== 'wireguard',
    } as const;
    return [
      {
        ...link,
        ...(address && type !== 'wireguard' ? { mac: address } : {}),
        ...(type === 'vxlan'
          ? {
              vxlan: {
                vni: data?.id ?? 0,
                port: data?.port ?? 0,
                local: data?.local ?? data?.local6 ?? '',
                parent: data?.link ?? '',
              },
            }
          : {}),
      },
    ];
  });
}

export function readAddresses(entries: unknown[]): AddressState[] {
  return (entries as IpLink[]).flatMap(({ ifname: device, addr_info: addresses = [] }) =>
    addresses.flatMap(({ family, local: address, prefixlen: prefixLength }) =>
      device !== undefined && isOwn(family, address) && address !== undefined && prefixLength !== undefined
        ? [{ device, address, prefixLength }]
        : [],
    ),
  );
}

/** Not the addresses that IPv6 gives every device by itself; Felix leaves them alone too. */
function isOwn(family: string | undefined, address: string | undefined): boolean {
  return family === 'inet' || (family === 'inet6' && !address?.startsWith('fe80:'));
}

/** Routes in table 1, and those in main of protocol 80 or of a device that `isOurs`. */
export function readRoutes(entries: unknown[], isOurs: (device: string | undefined) => boolean): RouteState[] {
  return (entries as IpRoute[]).flatMap((entry) => {
    const { dst, dev: device, gateway: via, flags = [], metrics = [] } = entry;
    const type = TYPES[entry.type ?? 'unicast'];
    const table = toNumber(entry.table ?? MAIN_TABLE);
    const protocol = toNumber(entry.protocol ?? 'boot');
    const inMain = table === MAIN_TABLE && (protocol === PROTO_CALICO || isOurs(device));
    if (dst === undefined || !type || !(table === WIREGUARD_TABLE || inMain)) return [];
    // The kernel itself puts routes to a device's network there when an address has a shorter prefix: not Felix'.
    if (protocol === NUMBERS.kernel) return [];
    const mtu = metrics.find((metric) => metric.mtu !== undefined)?.mtu;
    return [
      {
        table,
        destination:
          dst === 'default' ? '0.0.0.0/0' : dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`,
        type,
        scope: entry.scope === 'link' || String(entry.scope) === '253' ? 'link' : 'universe',
        protocol,
        metric: entry.metric ?? 0,
        onlink: flags.includes('onlink'),
        ...(via === undefined ? {} : { via }),
        ...(device === undefined || type !== 'unicast' ? {} : { device }),
        ...(mtu === undefined ? {} : { mtu }),
      },
    ];
  });
}

/** The fields of Felix' own rule; any other field makes it somebody else's. */
const RULE_FIELDS = ['priority', 'not', 'fwmark', 'fwmask', 'table', 'protocol'];

export function readRules(entries: unknown[], family?: 6): RuleState[] {
  return (entries as IpRule[]).flatMap((entry) => {
    if (entry.priority === undefined) return [];
    const others = Object.entries(entry).filter(([name, value]) => !RULE_FIELDS.includes(name) && value !== 'all');
    const selector = others.map(([name, value]) => `${name} ${value}`).join(' ');
    const mark = Number(entry.fwmark ?? 0);
    return [
      {
        ...(family && { family }),
        priority: entry.priority,
        not: 'not' in entry,
        mark,
        mask: entry.fwmask === undefined ? (mark === 0 ? 0 : 0xffffffff) : Number(entry.fwmask),
        table: toNumber(entry.table ?? MAIN_TABLE),
        ...(selector === '' ? {} : { selector }),
      },
    ];
  });
}

/** The permanent entries. */
export function readNeighbours(entries: unknown[]): NeighbourState[] {
  const neighbours = entries as { dst?: string; dev?: string; lladdr?: string; state?: string[] }[];
  return neighbours.flatMap(({ dst: address, dev: device, lladdr: mac, state = ['PERMANENT'] }) =>
    address && device && mac && state.includes('PERMANENT') ? [{ device, address, mac }] : [],
  );
}

/** The permanent entries that lead to another node. */
export function readFdb(entries: unknown[]): FdbState[] {
  const fdb = entries as { mac?: string; ifname?: string; dst?: string; state?: string }[];
  return fdb.flatMap(({ mac, ifname: device, dst: destination, state }) =>
    mac && device && destination && state === 'permanent' ? [{ device, mac, destination }] : [],
  );
}

function toNumber(value: string | number): number {
  return NUMBERS[value] ?? Number(value);
}
