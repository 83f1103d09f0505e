import { labFailure } from '../../errors.ts';
import { type Fault, onNode } from './fault.ts';

/** Its peer may no longer send from, nor be sent to at, the addresses of its pods. */
export const allowedCut: Fault = {
  symptom:
    'Pods on two certain nodes cannot talk to each other any more. Each of them reaches the pods of all other nodes.',
  link: 'peers',
  async prepare({ node, other }, { peers }) {
    const peer = peers.find(({ publicKey }) => publicKey === other.publicKey);
    if (!peer) throw labFailure(`${node.name} does not have ${other.name} as a peer`);
    return { key: peer.publicKey, allowed: peer.allowedIPs.join(',') };
  },
  async put(site, { key = '', allowed = '' }) {
    const left = allowed.split(',').filter((network) => network.endsWith('/32'));
    await onNode(site, 'wg set "$1" peer "$2" allowed-ips "$3"', site.interface, key, left.join(','));
  },
  async heal(site, { key = '', allowed = '' }) {
    // The peer may have another key by now: then Calico has set it again.
    const script = 'if wg show "$1" peers | grep -qxF "$2"; then wg set "$1" peer "$2" allowed-ips "$3"; fi';
    await onNode(site, script, site.interface, key, allowed);
  },
};

/** With the device down, its routes go, and what the node sends takes the way through main; what comes is not heard. */
export const deviceDown: Fault = {
  symptom: "Since last night's maintenance, what one node sends can be read, and its connections hang.",
  link: 'device',
  async prepare(_site, { routes }) {
    return { routes: routes.join(' ') };
  },
  async put(site) {
    await onNode(site, 'ip link set "$1" down', site.interface);
  },
  async heal(site, { routes = '' }) {
    const script = `ip link set "$1" up
for route in $2; do ip route replace "$route" dev "$1" scope link table 1; done`;
    await onNode(site, script, site.interface, routes);
  },
};

/** The file that keeps the node's own key meanwhile: on the node, in memory, for nobody else to read. It never leaves the node. */
const KEPT_KEY = '/run/wglab-kept-key';

/** The device has another key than the one that the node publishes: to the others it is a stranger. */
export const strangeKey: Fault = {
  symptom:
    'All of a sudden nobody answers the pods of one node. In the configuration of the cluster, nothing was changed.',
  link: 'public key',
  async prepare(_site, { publicKey }) {
    return { key: publicKey };
  },
  async put(site) {
    const script = `umask 077
wg show "$1" private-key > "$2"
wg genkey | wg set "$1" private-key /proc/self/fd/0`;
    await onNode(site, script, site.interface, KEPT_KEY);
  },
  async heal(site, { key = '' }) {
    // If Calico has published the new key meanwhile, that one is right, and the kept one is nobody's any more.
    const script = `[ -e "$2" ] || exit 0
if [ "$3" = "$4" ]; then wg set "$1" private-key "$2"; fi
rm -f "$2"`;
    await onNode(site, script, site.interface, KEPT_KEY, key, site.node.publicKey ?? '');
  },
};
