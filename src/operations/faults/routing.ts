import { labFailure } from '../../errors.ts';
import { type Fault, onNode } from './fault.ts';

/** The rule is gone that sends what carries no mark to table 1: everything takes the way through main, in VXLAN. */
export const ruleGone: Fault = {
  symptom: 'What one node sends to the others can be read on the wire. What it gets from them cannot.',
  link: 'rule',
  async prepare(_site, { rule, mark }) {
    if (rule === undefined) throw labFailure('there is no rule that leads to table 1');
    return { priority: String(rule), mark };
  },
  async put(site, { priority = '' }) {
    await onNode(site, 'ip rule del pref "$1" lookup 1', priority);
  },
  async heal(site, { priority = '', mark = '' }) {
    const script = 'ip rule show pref "$1" | grep -q fwmark || ip rule add pref "$1" not fwmark "$2/$2" lookup 1';
    await onNode(site, script, priority, mark);
  },
};

/** Table 1 has lost its routes to the pods of one other node: to them, and to them alone, packets go in VXLAN. */
export const routeGone: Fault = {
  symptom: 'What one node sends to one certain other node can be read. The answers cannot, nor can anything else.',
  link: 'routes',
  async prepare({ node, other }, { peers, routes }) {
    const peer = peers.find(({ publicKey }) => publicKey === other.publicKey);
    const single = (network: string) => network.endsWith('/32');
    const blocks = (peer?.allowedIPs ?? []).filter((network) => !single(network) && routes.includes(network));
    if (blocks.length === 0) throw labFailure(`table 1 of ${node.name} has no route to pods of ${other.name}`);
    return { blocks: blocks.join(' ') };
  },
  async put(site, { blocks = '' }) {
    await onNode(site, 'for block in $1; do ip route del "$block" table 1; done', blocks);
  },
  async heal(site, { blocks = '' }) {
    const script = 'for block in $1; do ip route replace "$block" dev "$2" scope link table 1; done';
    await onNode(site, script, blocks, site.interface);
  },
};

/** Comes before Calico's rule, so that table 1 is never asked. Calico looks after rules that lead to table 1, and no others. */
const EARLIER = '42';

export const earlierRule: Fault = {
  symptom: 'Every node has its device, its keys, peers and fresh handshakes. Yet what one of them sends can be read.',
  link: 'rule',
  async prepare() {
    return {};
  },
  async put(site) {
    await onNode(site, 'ip rule add pref "$1" lookup main', EARLIER);
  },
  async heal(site) {
    const script = 'while ip rule show pref "$1" | grep -q "lookup main"; do ip rule del pref "$1" lookup main; done';
    await onNode(site, script, EARLIER);
  },
};
