import { labFailure } from '../../errors.ts';
import { type Fault, onNode } from './fault.ts';

const DROP = 'PREROUTING -p udp --dport "$1" -j DROP';

/** Before Calico's own rules, which are in other tables: what they would let in does not come so far. */
export const portBlocked: Fault = {
  symptom: 'Pods on one node are cut off: they answer nobody on another node, and get no answer from there.',
  link: 'firewall',
  async prepare({ port }) {
    return { port: String(port) };
  },
  async put(site, { port = '' }) {
    await onNode(site, `iptables -t raw -I ${DROP}`, port);
  },
  async heal(site, { port = '' }) {
    await onNode(site, `while iptables -t raw -C ${DROP} 2> /dev/null; do iptables -t raw -D ${DROP}; done`, port);
  },
};

/** Room for a handshake and for small packets, but not for one of VXLAN's or WireGuard's with some text in it. In bytes. */
const SMALL_MTU = '600';

/**
 * One node's uplink takes smaller packets than the tunnel sends; the senders are not informed, as in many a cloud, and what is larger is
 * lost. The node's own TCP connections adapt, so that Kubernetes goes on.
 */
export const smallerUnderlay: Fault = {
  symptom: 'Ping works to and from the pods of one node, and connections open. But no page ever loads.',
  link: 'mtu',
  async prepare(site) {
    const script = `ip -o -4 address show | while read -r _ device _ address _; do
  case $address in "$1"/*) echo "$device $(cat "/sys/class/net/$device/mtu")" ;; esac
done`;
    const [uplink, mtu] = (await onNode(site, script, site.node.address)).split(/\s+/);
    if (!uplink || !mtu) throw labFailure(`no interface of ${site.node.name} has its address`);
    return { uplink, mtu };
  },
  async put(site, { uplink = '' }) {
    await onNode(site, 'ip link set "$1" mtu "$2"', uplink, SMALL_MTU);
  },
  async heal(site, { uplink = '', mtu = '' }) {
    await onNode(site, 'ip link set "$1" mtu "$2"', uplink, mtu);
  },
};
