import { secretValues } from '../../wire/secrets.ts';
import type { Wire, WirePacket } from './state.ts';
import { cut, type Row, row, type Span, span } from './text/row.ts';

/** Returns the wire pane: the latest packets that fit, the newest at the bottom. */
export function wireRows({ packets, problem, size, frozen }: Wire, columns: number, height: number): Row[] {
  const title = frozen ? '── on the wire, frozen (f goes on) ' : '── on the wire ';
  const head = row(span(`${title}${'─'.repeat(Math.max(0, columns - title.length))}`, frozen ? 'warning' : 'dim'));
  const foot = problem === undefined ? [] : [row(span(problem, 'bad'))];
  const room = Math.max(0, height - 1 - foot.length);
  const rows: Row[] = [];
  let silent = 0;
  for (const packet of packets.toReversed()) {
    if (rows.length >= room) break;
    const made = packetRows(packet, columns);
    // In a small pane, packets that say nothing would push out those that do.
    silent = size === 'half' && made.length === 1 ? silent + 1 : 0;
    if (silent > 1) rows.splice(0, 1, row(span(`  ${silent} packets in which nothing secret can be read`, 'dim')));
    else rows.unshift(...made);
  }
  if (packets.length === 0 && problem === undefined) rows.push(row(span('waiting for the first packet', 'dim')));
  return [head, ...rows.slice(-room), ...foot].slice(0, height).map((line) => cut(line, columns));
}

function packetRows({ time, description, length, encrypted, secrets, bytes }: WirePacket, columns: number): Row[] {
  const style = encrypted ? 'cipher' : 'plain';
  const whole = row(span(`${time.slice(11, 19)} `, 'dim'), span(description, style), span(` ${length} bytes`, 'dim'));
  const fits = `${description} ${length} bytes`.length + CLOCK <= columns;
  const readable = secrets.map((line) => row('    ', ...marked(line)));
  const unreadable = encrypted && bytes !== undefined ? [row(span(`    ${bytes}`, 'dim'))] : [];
  return [fits ? whole : row(span(shorter(description), style)), ...readable, ...unreadable];
}

const CLOCK = 'hh:mm:ss '.length;

/** Shortens a description that does not fit: the packet inside a tunnel says more than the tunnel's ports and number. */
function shorter(description: string): string {
  return description.replace(/UDP \d+ > \d+ (VXLAN|Geneve) \d+/, '$1');
}

/** Returns the spans of a readable line, with its secrets marked. */
function marked(line: string): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const { 0: secret, index } of line.matchAll(secretValues())) {
    spans.push(span(line.slice(end, index)), span(secret, 'secret'));
    end = index + secret.length;
  }
  return [...spans, span(line.slice(end))];
}
