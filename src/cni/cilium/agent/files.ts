import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Store } from '../../../kube-api/store.ts';
import { nodeId } from '../dataplane/marks.ts';
import type { CiliumView, Encryption } from '../dataplane/types.ts';
import { CONFIG_MAP } from '../names.ts';
import type { NodeAddresses } from './addresses.ts';
import { CILIUM_DBG } from './cilium-dbg.ts';

export interface AgentFacts {
  view: CiliumView;
  node: string;
  encryption: Encryption;
  addresses: NodeAddresses;
  store: Store;
}

/** The folder of the agent's own programs, below a node's /run; it is on PATH in the agent's pod. */
export const PROGRAMS = 'cilium/bin';

/** Writes what `cilium-dbg` prints on a node, and the program itself. */
export function writeAgentFiles(runFolder: string, facts: AgentFacts): void {
  const programs = `${runFolder}/${PROGRAMS}`;
  const data = `${runFolder}/cilium/dbg`;
  for (const folder of [programs, data]) mkdirSync(folder, { recursive: true });
  for (const name of ['cilium-dbg', 'cilium']) {
    writeFileSync(`${programs}/${name}`, CILIUM_DBG);
    chmodSync(`${programs}/${name}`, 0o755);
  }
  const config = (facts.store.get('ConfigMap', CONFIG_MAP.namespace, CONFIG_MAP.name)?.data ?? {}) as Record<
    string,
    string
  >;
  const files = {
    encryption: facts.encryption,
    ipam: `IPv4: ${facts.addresses.count}/${facts.addresses.capacity} allocated from ${facts.addresses.podCidr}, `,
    config: columns(Object.entries(config).map(([key, value]) => [key, value])),
    nodes: nodeList(facts),
    nodeids: nodeIdList(facts),
    keys: expectedKeys(facts),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${data}/${name}`, `${text}\n`);
}

function nodeList({ view, node, store }: AgentFacts): string {
  const config = (store.get('ConfigMap', CONFIG_MAP.namespace, CONFIG_MAP.name)?.data ?? {}) as Record<string, string>;
  const cluster = config['cluster-name'] ?? 'default';
  const rows = view.nodes.map(({ name, address, podCidr }) => [
    `${cluster}/${name}`,
    address,
    podCidr,
    '',
    '',
    name === node ? 'local' : 'custom-resource',
  ]);
  return columns([['Name', 'IPv4 Address', 'Endpoint CIDR', 'IPv6 Address', 'Endpoint CIDR', 'Source'], ...rows]);
}

function nodeIdList({ view, node }: AgentFacts): string {
  const rows = view.nodes
    .filter(({ name }) => name !== node)
    .flatMap(({ name, address, internalAddress, publishedKeyId }) => [
      [`0x${nodeId(view, name).toString(16)}`, address, publishedKeyId === 0 ? '' : String(publishedKeyId)],
      ['', internalAddress, ''],
    ]);
  return columns([['NODE ID', 'IP ADDRESSES', 'SPI'], ...rows]);
}

/** Two tunnels each way with every other node, for each key. */
function expectedKeys({ view }: AgentFacts): string {
  return String((view.nodes.length - 1) * 4);
}

/** Columns as Go's tabwriter makes them: as wide as their widest cell, and three spaces. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd((widths[i] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}
