import { contains, isCidr } from '../dataplane/ipv4.ts';
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

/**
 * The IP pool that an Installation asks for, or why this engine cannot have it. It has one IPv4 pool for all nodes, with
 * VXLAN. VXLANCrossSubnet is carried out as Calico does: all nodes are on one subnet, so that nothing is encapsulated.
 */
export function planPool(
  spec: InstallationSpec | undefined,
  nodeAddresses: readonly string[],
): { name: string; spec: IPPoolSpec } | Degraded {
  const pools = spec?.calicoNetwork?.ipPools ?? [];
  const [pool] = pools;
  if (!pool) return invalid('spec.calicoNetwork.ipPools has no pool: the embedded engine needs one IPv4 pool');
  if (pools.length > 1)
    return invalid('spec.calicoNetwork.ipPools has more than one pool: the embedded engine has one');
  return problem(pool, nodeAddresses) ?? accepted(pool);
}

function problem(pool: IPPoolOfInstallation, nodeAddresses: readonly string[]): Degraded | undefined {
  const { cidr = '', encapsulation = 'IPIP', nodeSelector = 'all()', natOutgoing = 'Enabled' } = pool;
  if (cidr.includes(':')) return invalid(`pool ${cidr}: the embedded engine has no IPv6 pools`);
  if (!isCidr(cidr)) return invalid(`pool "${cidr}" is not an IPv4 network in CIDR notation`);
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
  const inside = nodeAddresses.find((address) => contains(cidr, address));
  return inside ? invalid(`pool ${cidr} overlaps the nodes' own network: it contains ${inside}`) : undefined;
}

function accepted(pool: IPPoolOfInstallation): { name: string; spec: IPPoolSpec } {
  return {
    name: pool.name ?? 'default-ipv4-ippool',
    spec: {
      cidr: pool.cidr ?? '',
      blockSize: pool.blockSize ?? 26,
      ipipMode: 'Never',
      vxlanMode: VXLAN_MODES[pool.encapsulation as keyof typeof VXLAN_MODES],
      natOutgoing: pool.natOutgoing !== 'Disabled',
      nodeSelector: 'all()',
      allowedUses: ['Workload', 'Tunnel'],
      assignmentMode: 'Automatic',
    },
  };
}

function invalid(message: string): Degraded {
  return { reason: 'InvalidConfiguration', message };
}
