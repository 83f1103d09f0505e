import { all, type Undo, withNft } from './faults.ts';
import type { TestLab } from './lab.ts';
import { kernelHas } from './requirements.ts';

const TEE = 'iptables -t mangle -A PREROUTING -j TEE --gateway 192.0.2.1';
const MATCH_ALL = 'matchall';
const U32_ALL = 'u32 match u32 0 0';
const mirred = (match: string) =>
  `tc qdisc add dev v0 clsact; tc filter add dev v0 ingress ${match} action mirred egress mirror dev v1`;

/** Sends a copy of what comes from `source` by a device of `node` to `to` too, as it is, by iptables where the kernel has TEE. */
export async function withTee(lab: TestLab, node: string, device: string, source: string, to: string): Promise<Undo> {
  const gateway = await lab.address(to);
  if (!kernelHas(TEE)) {
    const copies = `iifname "${device}" ip saddr ${source} dup to ${gateway} device "eth0"`;
    return withNft(lab, node, 'ip tee', 'prerouting priority mangle', copies);
  }
  const rule = 'PREROUTING -t mangle -i "$1" -s "$2" -j TEE --gateway "$3"';
  await lab.onNode(node, `iptables -A ${rule}`, device, source, gateway);
  return () => lab.onNode(node, `iptables -D ${rule}`, device, source, gateway);
}

/** Mirrors all that arrives on a device of `node` to `to` inside VXLAN, as clouds mirror traffic; by tc where the kernel has mirred. */
export async function withVxlanMirror(lab: TestLab, node: string, device: string, to: string): Promise<Undo> {
  const remote = await lab.address(to);
  await lab.onNode(
    node,
    'ip link add mirror type vxlan id 7 remote "$1" dstport 8472 dev eth0; ip link set mirror up',
    remote,
  );
  const unplug = () => lab.onNode(node, 'ip link del mirror');
  const match = [MATCH_ALL, U32_ALL].find((one) => kernelHas(mirred(one)));
  if (match === undefined) {
    const hook = `ingress device "${device}" priority 0`;
    return all([unplug, await withNft(lab, node, 'netdev mirror', hook, 'dup to "mirror"')]);
  }
  const script = `tc qdisc add dev "$1" clsact; tc filter add dev "$1" ingress ${match} action mirred egress mirror dev mirror`;
  await lab.onNode(node, script, device);
  return all([unplug, () => lab.onNode(node, 'tc qdisc del dev "$1" clsact', device)]);
}

/** Returns in words how the mirrors are made on this kernel. */
export function mirrorsHere(): string {
  const tee = kernelHas(TEE) ? 'iptables TEE' : 'nft dup (the kernel has no xt_TEE)';
  const match = [MATCH_ALL, U32_ALL].find((one) => kernelHas(mirred(one)));
  const tc = match ? `tc mirred (${match})` : 'nft dup to a device (the kernel has no act_mirred)';
  return `mirrors: ${tee}, ${tc}, and a program with AF_PACKET`;
}
