import { fileURLToPath } from 'node:url';
import type { TestLab } from './lab.ts';

/** Takes a fault away again; without one the lab is not used any more. */
export type Undo = (() => Promise<unknown>) | undefined;

const LEAK = fileURLToPath(new URL('./leak.pl', import.meta.url));

/** Removes the rule that sends packets to WireGuard's table, on one node. */
export async function withoutRule(lab: TestLab, node: string): Promise<Undo> {
  await lab.onNode(node, 'ip rule del pref 99');
  return () => lab.onNode(node, 'ip rule add not fwmark 0x200000/0x200000 pref 99 table 1');
}

/** The block of addresses that a node has for its pods, as another node's table 1 has it. */
export async function blockOf(lab: TestLab, node: string): Promise<string> {
  const path = `{.items[?(@.spec.node=="${node}")].spec.cidr}`;
  return lab.kubectl('get', 'blockaffinities', '-o', `jsonpath=${path}`);
}

/** Removes the route to the pods of one node from WireGuard's table of another: they are reached by VXLAN again. */
export async function withoutRoute(lab: TestLab, node: string, to: string): Promise<Undo> {
  const block = await blockOf(lab, to);
  await lab.onNode(node, 'ip route del "$1" table 1', block);
  return () => lab.onNode(node, 'ip route add "$1" dev wireguard.cali scope link table 1', block);
}

/** Makes a table of nftables with one chain at `hook`; `sets` is what its rules refer to. */
export async function withNft(
  lab: TestLab,
  node: string,
  table: string,
  hook: string,
  rules: string,
  sets = '',
  type: 'filter' | 'nat' | 'route' = 'filter',
): Promise<Undo> {
  const text = `table ${table} {\n ${sets}\n chain rules {\n type ${type} hook ${hook};\n ${rules}\n }\n}\n`;
  await lab.onNode(node, 'printf "%s" "$1" | nft -f -', text);
  return () => lab.onNode(node, 'nft delete table $1', table);
}

/** Sends copies of what a node's nc pod sends to another node, as plaintext; see leak.pl for the modes. */
export async function withLeak(lab: TestLab, from: string, to: string, mode: string, port: number): Promise<Undo> {
  const [{ device }, source, destination] = await Promise.all([lab.pod(from), lab.address(from), lab.address(to)]);
  return lab.helper(from, 'perl', LEAK, device, mode, source, destination, String(port));
}

/** Takes TCP connections from leaks. */
export async function withSink(lab: TestLab, node: string, port: number): Promise<Undo> {
  const address = await lab.address(node);
  return lab.helper(node, 'perl', LEAK, '-', 'sink', address, '-', String(port));
}

/** Segments leave as they go on the wire: with segmentation offload, a tap would see many in one piece. */
export async function withoutOffload(lab: TestLab, node: string): Promise<Undo> {
  await lab.onNode(node, 'ip link set eth0 gso_max_segs 1');
  return () => lab.onNode(node, 'ip link set eth0 gso_max_segs 65535');
}

/** Changes WireGuard on a node by `wg`, and puts it back as it was. */
export async function withWireguard(lab: TestLab, node: string, script: string, ...args: string[]): Promise<Undo> {
  const before = await lab.onNode(node, `wg showconf wireguard.cali; { ${script}; } > /dev/null`, ...args);
  return () => lab.onNode(node, 'printf "%s\\n" "$1" | wg setconf wireguard.cali /dev/stdin', before);
}

/** Undoes several faults, the last one first. */
export function all(undos: readonly Undo[]): Undo {
  return async () => {
    for (const undo of [...undos].reverse()) await undo?.();
  };
}
