import { deriveKey } from '../keys/derive.ts';
import type { IpsecKey } from '../keys/ipsec-secret.ts';
import { PRIORITY, VXLAN_PORT } from './constants.ts';
import { DECRYPT_MARK, decryptMark, ENCRYPT_MARK, encryptMark, newestKeyId, nodeId, sendingKeyId } from './marks.ts';
import { others, rule } from './overlay.ts';
import type { CiliumNodeView, CiliumView, Part } from './types.ts';

const MASK_OUT = '0xffffff00';
const MASK_IN = '0xffff0f00';
/** Both marks without the node and the key. */
const MASK_DIRECTION = '0xf00';
const ESP = 'proto esp';
const TUNNEL = 'reqid 1 mode tunnel';
/** The table that Cilium routes what is to be decrypted with. */
const DECRYPT_TABLE = 200;

/** Returns the parts that every node with IPsec has: a policy that drops what is marked for encryption and meets no other. */
export function ipsecBaseParts(): Part[] {
  const everything = 'src 0.0.0.0/0 dst 0.0.0.0/0';
  const policy = (direction: string, options: string, index = ''): Part => ({
    key: `policy ${direction}`,
    add: [`xfrm policy update ${everything} dir ${direction} ${options}`],
    remove: [`xfrm policy delete ${everything} dir ${direction}${index}`],
    replaces: true,
  });
  const mark = `mark 0x${ENCRYPT_MARK.toString(16)} mask ${MASK_DIRECTION}`;
  return [
    policy('out', `${mark} action block priority 100`, ` ${mark}`),
    policy('in', `tmpl ${ESP} mode tunnel level use`),
    policy('fwd', `priority 2975 tmpl ${ESP} mode tunnel level use`),
    rule(PRIORITY.diversion, `fwmark 0x${DECRYPT_MARK.toString(16)}/${MASK_DIRECTION}`, DECRYPT_TABLE),
  ];
}

/**
 * States and policies for all peers and all keys that the agent has loaded: two tunnels each way with every peer, between the nodes'
 * addresses, which carry the overlay, and between the addresses of cilium_host, which carry nothing with VXLAN.
 */
export function ipsecParts(view: CiliumView, node: CiliumNodeView): Part[] {
  return others(view, node)
    .filter(({ bootId }) => bootId !== '' && node.bootId !== '')
    .flatMap((peer) => {
      const id = nodeId(view, peer.name);
      return [
        ...node.keys.flatMap((key) => [
          ...stateParts(key, node, peer, id, (of) => of.internalAddress),
          ...stateParts(key, node, peer, id, (of) => of.address),
          ...policyParts(key, node, peer, id),
        ]),
      ];
    });
}

function stateParts(
  key: IpsecKey,
  node: CiliumNodeView,
  peer: CiliumNodeView,
  id: number,
  addressOf: (node: CiliumNodeView) => string,
): Part[] {
  const state = (from: CiliumNodeView, to: CiliumNodeView, mark: string, output: number) => {
    const end = (of: CiliumNodeView) => ({ address: addressOf(of), bootId: of.bootId });
    const material = Buffer.from(deriveKey(key, end(from), end(to))).toString('hex');
    const name = `src ${addressOf(from)} dst ${addressOf(to)} ${ESP} spi 0x${key.id.toString(16)}`;
    return {
      key: `state ${name} ${from === node ? 'out' : 'in'}`,
      add: [
        `xfrm state add ${name} ${TUNNEL} aead ${key.algorithm} 0x${material} ${key.icvBits} mark ${mark} output-mark 0x${output.toString(16)} mask ${MASK_OUT} replay-window 1024 flag esn`,
      ],
      remove: [`xfrm state delete ${name} mark ${mark}`],
    };
  };
  return [
    // Receiving first: packets sent with a key must be understood.
    state(peer, node, `${decryptMark(id)} mask ${MASK_IN}`, DECRYPT_MARK),
    state(node, peer, `${encryptMark(id, key.id)} mask ${MASK_OUT}`, ENCRYPT_MARK),
  ];
}

function policyParts(key: IpsecKey, node: CiliumNodeView, peer: CiliumNodeView, id: number): Part[] {
  const mark = `mark ${encryptMark(id, key.id)} mask ${MASK_OUT}`;
  const policy = (selector: string, from: string, to: string): Part => ({
    key: `policy ${selector} ${mark}`,
    add: [
      `xfrm policy update ${selector} dir out ${mark} tmpl src ${from} dst ${to} ${ESP} spi 0x${key.id.toString(16)} ${TUNNEL}`,
    ],
    remove: [`xfrm policy delete ${selector} dir out ${mark}`],
    replaces: true,
  });
  return [
    policy(`src 0.0.0.0/0 dst ${peer.podCidr}`, node.internalAddress, peer.internalAddress),
    policy(`src ${node.address}/32 dst ${peer.address}/32`, node.address, peer.address),
  ];
}

/**
 * The marks that Cilium's eBPF programs set: on what VXLAN sends to a node, for encryption with the key that both have; on ESP that
 * comes from a node, for decryption; and none on what was decrypted. One table, replaced as a whole: with a gap between two commands
 * plaintext would leave.
 */
export function ipsecMarks(view: CiliumView, node: CiliumNodeView): string {
  const peers = others(view, node).map((peer) => ({
    address: peer.address,
    id: nodeId(view, peer.name),
    key: sendingKeyId(newestKeyId(node), peer.publishedKeyId),
  }));
  const direction = `meta mark & ${MASK_DIRECTION} == 0x${DECRYPT_MARK.toString(16)}`;
  return [
    'table ip cilium_ebpf',
    'delete table ip cilium_ebpf',
    'table ip cilium_ebpf {',
    '  chain to-netdev {',
    '    type route hook output priority -150;',
    ...peers.map(
      ({ address, id, key }) => `    udp dport ${VXLAN_PORT} ip daddr ${address} meta mark set ${encryptMark(id, key)}`,
    ),
    '  }',
    '  chain from-netdev {',
    '    type filter hook prerouting priority -300;',
    ...peers.map(({ address, id }) => `    ip protocol esp ip saddr ${address} meta mark set ${decryptMark(id)}`),
    `    ${direction} udp dport ${VXLAN_PORT} meta mark set 0`,
    '  }',
    '}',
  ].join('\n');
}

/** A ruleset that removes them. */
export const NO_MARKS = 'table ip cilium_ebpf\ndelete table ip cilium_ebpf';
