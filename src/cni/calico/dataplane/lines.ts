import type { AddressState, FdbState, LinkState, NeighbourState, RouteState, RuleState } from './types.ts';

/** The line that makes a VXLAN device as Felix makes it: all but these at the kernel's defaults, and no learning. */
export function vxlanLine({ name, mac, mtu, vxlan }: LinkState): string {
  return [
    `link add name ${name} mtu ${mtu}${mac ? ` address ${mac}` : ''}`,
    `type vxlan id ${vxlan?.vni} dev ${vxlan?.parent} local ${vxlan?.local} dstport ${vxlan?.port} nolearning`,
  ].join(' ');
}

export function addressLine({ device, address, prefixLength }: AddressState): string {
  return `${address}/${prefixLength} dev ${device}`;
}

export function replaceRouteLine(route: RouteState): string {
  return `route replace ${routeLine(route)}${route.onlink ? ' onlink' : ''}${route.mtu ? ` mtu ${route.mtu}` : ''}`;
}

export function removeRouteLine(route: RouteState): string {
  return `route del ${routeLine(route)}`;
}

function routeLine({ type, destination, via, device, table, scope, protocol, metric }: RouteState): string {
  return [
    `${type} ${destination}`,
    via ? `via ${via}` : '',
    device ? `dev ${device}` : '',
    `table ${table} proto ${protocol}`,
    scope === 'link' ? 'scope link' : '',
    metric ? `metric ${metric}` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

export function ruleLine({ priority, not, mark, mask, table, selector }: RuleState): string {
  const marks = mark || mask ? ` fwmark 0x${mark.toString(16)}/0x${mask.toString(16)}` : '';
  return `pref ${priority}${not ? ' not' : ''}${selector ? ` ${selector}` : ''}${marks} lookup ${table}`;
}

export function removeRuleLine({ priority, table }: RuleState): string {
  return `rule del pref ${priority} lookup ${table}`;
}

export function neighbourLine({ device, address, mac }: NeighbourState): string {
  return `${address} lladdr ${mac} dev ${device} nud permanent`;
}

export function fdbLine({ device, mac, destination }: FdbState): string {
  return `${mac} dev ${device} dst ${destination}`;
}
