import { familyOf, holds, isNetworkOf } from '../../../net/families.ts';
import type { InstallationSpec, IPPoolOfInstallation } from './kinds.ts';

/** Spec of the IPPool object (crd.projectcalico.org/v1), as Calico writes it. */
export type IPPoolSpec = {
  cidr: string;
  blockSize: number;
  ipipMode: 'Never';
  vxlanMode: 'Always' | 'CrossSubnet';
  natOutgoing: boolean;
  nodeSelector: 'all()';
  allowedUses: string[];
  assignmentMode: 'Automatic';
};

/** Why an Installation is not carried out: becomes its Degraded condition. */
export interface Degraded {
  reason: 'InvalidConfiguration' | 'ResourceUpdateError';
  message: string;
}

const VXLAN_MODES = { VXLAN: 'Always', VXLANCrossSubnet: 'CrossSubnet' } as const;

/** An IP pool as it is made. */
export interface PlannedPool {
  name: string;
  spec: IPPoolSpec;
}

/**
 * The IP pools that an Installation asks for, IPv4's first, or why this engine cannot have them. It has one pool for each
 * family of the nodes' addresses, for all nodes, with VXLAN. VXLANCrossSubnet is carried out as Calico does: all nodes are
 * on one subnet, so that nothing is encapsulated. Calico alone gives a pool without encapsulation no routes but by BGP.
 */
export function planPools(
  spec: InstallationSpec | undefined,
  nodeAddresses: readonly string[],
): PlannedPool[] | Degraded {
  const pools = spec?.calicoNetwork?.ipPools ?? [];
  const [ipv4, secondIpv4] = pools.filter(({ cidr = '' }) => familyOf(cidr) === 4);
  const [ipv6, secondIpv6] = pools.filter(({ cidr = '' }) => familyOf(cidr) === 6);
  if (ipv6 && !nodeAddresses.some((address) => familyOf(address) === 6)) {
    return invalid(`pool ${ipv6.cidr}: the nodes have no IPv6 addresses; kind gives them some with ipFamily: dual`);
  }
  if (!ipv4) return invalid('spec.calicoNetwork.ipPools has no IPv4 pool: the embedded engine needs one');
  if (secondIpv4 || secondIpv6) {
    const which = secondIpv4 ? 'IPv4' : 'IPv6';
    return invalid(`spec.calicoNetwork.ipPools has more than one ${which} pool: the embedded engine has one`);
  }
  const wanted = [ipv4, ...(ipv6 ? [ipv6] : [])];
  return wanted.map((pool) => problem(pool, nodeAddresses)).find((found) => found) ?? wanted.map(accepted);
}

function problem(pool: IPPoolOfInstallation, nodeAddresses: readonly string[]): Degraded | undefined {
  const { cidr = '', encapsulation = 'IPIP', nodeSelector = 'all()', natOutgoing = 'Enabled' } = pool;
  const family = familyOf(cidr);
  if (!isNetworkOf(family, cidr)) return invalid(`pool "${cidr}" is not an IPv${family} network in CIDR notation`);
  if (!Object.hasOwn(VXLAN_MODES, encapsulation)) {
    const omitted = pool.encapsulation === undefined ? ', the default,' : '';
    return invalid(`pool ${cidr}: encapsulation ${encapsulation}${omitted} is not supported; set encapsulation: VXLAN`);
  }
  if (nodeSelector.trim() !== 'all()') {
    return invalid(`pool ${cidr}: nodeSelector "${nodeSelector}" is not supported; only all() is`);
  }
  if (natOutgoing !== 'Enabled' && natOutgoing !== 'Disabled') {
    return invalid(`pool ${cidr}: natOutgoing is "${natOutgoing}", not Enabled or Disabled`);
  }
  const inside = nodeAddresses.find((address) => holds(cidr, address));
  return inside ? invalid(`pool ${cidr} overlaps the nodes' own network: it contains ${inside}`) : undefined;
}

function accepted(pool: IPPoolOfInstallation): PlannedPool {
  const family = familyOf(pool.cidr ?? '');
  return {
    name: pool.name ?? `default-ipv${family}-ippool`,
    spec: {
      cidr: pool.cidr ?? '',
      blockSize: pool.blockSize ?? (family === 4 ? 26 : 122),
      ipipMode: 'Never',
      vxlanMode: VXLAN_MODES[pool.encapsulation as keyof typeof VXLAN_MODES],
      // The operator's defaults: IPv6 needs no translation of addresses.
      natOutgoing: (pool.natOutgoing ?? (family === 4 ? 'Enabled' : 'Disabled')) !== 'Disabled',
      nodeSelector: 'all()',
      allowedUses: ['Workload', 'Tunnel'],
      assignmentMode: 'Automatic',
    },
  };
}

function invalid(message: string): Degraded {
  return { reason: 'InvalidConfiguration', message };
}
