import { parseIp } from '../../net/addresses.ts';
import { MARKER_LENGTH } from '../markers.ts';
import type { Record } from './schema.ts';

export interface Contradiction {
  path: (string | number)[];
  message: string;
}

type Path = Contradiction['path'];

/** Returns the contradictions that a schema cannot find: unknown or repeated names, and impossible deliveries. */
export function contradictions(record: Record): Contradiction[] {
  const nodes = new Set(record.nodes.map(({ name }) => name));
  const everyNode = [...record.nodes, ...(record.unprobed ?? []), ...(record.outside ?? [])];
  const claimed = new Set([...nodes, ...(record.unprobed ?? []).map(({ name }) => name)]);
  return [
    ...repeated(
      ['nodes'],
      everyNode.map(({ name }) => name),
    ),
    ...repeated(['nodes'], addressesOf(record)),
    ...repeated(
      ['nodes'],
      record.nodes.map(({ macAddress }) => macAddress),
    ),
    ...(record.sample?.pairs ?? []).flatMap(([from, to], i) => betweenTwo(['sample', 'pairs', i], from, to, claimed)),
    ...repeated(
      ['sample', 'pairs'],
      (record.sample?.pairs ?? []).map((pair) => pair.join(' to ')),
    ),
    ...ofTraffic(record, nodes),
    ...ofTaps(record, nodes),
  ];
}

/** Returns all addresses in one form, so that `fd00::1` and `fd00:0::1` are the same. */
function addressesOf(record: Record): string[] {
  const others = [...(record.unprobed ?? []), ...(record.outside ?? [])].flatMap(({ address }) => address ?? []);
  const all = [...record.nodes.flatMap((node) => [node.address, ...(node.otherAddresses ?? [])]), ...others];
  return all.map((text) => (text.includes(':') ? ipv6Text(text) : text));
}

function ipv6Text(text: string): string {
  const bytes = parseIp(text);
  return bytes ? `the IPv6 address ${Buffer.from(bytes).toString('hex')}` : text;
}

function ofTraffic(record: Record, nodes: ReadonlySet<string>): Contradiction[] {
  const used = [
    ...record.probes.flatMap(({ request, reply }) => [request, reply]),
    ...record.controls.flatMap(({ open, close }) => [open, close]),
  ];
  return [
    ...repeated(['markers'], Object.values(record.markers)),
    ...repeated(['markers'], used),
    ...repeated(
      ['probes'],
      record.probes.map(({ from, to }) => `${from} to ${to}`),
    ),
    ...repeated(
      ['controls'],
      record.controls.map(({ from, to }) => `${from} to ${to}`),
    ),
    ...record.probes.flatMap((probe, i) => [
      ...betweenTwo(['probes', i], probe.from, probe.to, nodes),
      ...unknownMarker(record, ['probes', i, 'request'], probe.request),
      ...unknownMarker(record, ['probes', i, 'reply'], probe.reply),
      ...impossibleDelivery(probe, ['probes', i]),
    ]),
    ...record.controls.flatMap((control, i) => [
      ...betweenTwo(['controls', i], control.from, control.to, nodes),
      ...unknownMarker(record, ['controls', i, 'open'], control.open),
      ...unknownMarker(record, ['controls', i, 'close'], control.close),
    ]),
    ...(['fingerprints', 'furtherPods'] as const).flatMap((list) =>
      (record[list] ?? []).flatMap((each, i) => [
        ...betweenTwo([list, i], each.from, each.to, nodes, list === 'furtherPods' ? undefined : nodes),
        ...moreThanAll(each, [list, i, 'sent']),
      ]),
    ),
  ];
}

function ofTaps({ taps }: Record, nodes: ReadonlySet<string>): Contradiction[] {
  return [
    ...repeated(
      ['taps'],
      taps.map(({ node }) => node),
    ),
    ...repeated(
      ['taps'],
      taps.map(({ file }) => file),
    ),
    ...taps.flatMap(({ node }, i) => unknownNode(['taps', i, 'node'], node, nodes)),
    ...taps.flatMap((tap, i) =>
      (tap.sha256 === null) === (tap.size === null)
        ? []
        : [{ path: ['taps', i], message: 'has a digest without a size, or a size without a digest' }],
    ),
  ];
}

function betweenTwo(
  path: Path,
  from: string,
  to: string,
  senders: ReadonlySet<string>,
  receivers: ReadonlySet<string> | undefined = senders,
): Contradiction[] {
  if (from === to) return [{ path, message: 'is not between two nodes' }];
  return [
    ...unknownNode([...path, 'from'], from, senders),
    ...(receivers ? unknownNode([...path, 'to'], to, receivers) : []),
  ];
}

function unknownNode(path: Path, node: string, nodes: ReadonlySet<string>): Contradiction[] {
  return nodes.has(node) ? [] : [{ path, message: `there is no node "${node}"` }];
}

function unknownMarker({ markers }: Record, path: Path, id: string): Contradiction[] {
  return Object.hasOwn(markers, id) ? [] : [{ path, message: `there is no marker "${id}"` }];
}

function impossibleDelivery(probe: Record['probes'][number], path: Path): Contradiction[] {
  if (!probe.delivered) return [];
  const short = Math.min(probe.sentBytes, probe.repliedBytes) < MARKER_LENGTH;
  return short ? [{ path, message: 'is said to be delivered, but holds fewer bytes than its marker' }] : [];
}

function moreThanAll({ sizes, sent }: { sizes: readonly number[]; sent: number }, path: Path): Contradiction[] {
  return sent > sizes.length ? [{ path, message: 'is more than there are packets' }] : [];
}

function repeated(path: Path, values: readonly string[]): Contradiction[] {
  const seen = new Set<string>();
  const twice = new Set(values.filter((value) => seen.has(value) || !seen.add(value)));
  return [...twice].map((value) => ({ path, message: `"${value}" is there twice` }));
}
