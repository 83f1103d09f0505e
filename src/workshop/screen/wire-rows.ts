import { markedSecrets } from '../../operations/secret-values.ts';
import type { Wire, WirePacket } from './state.ts';
import { cut, type Row, row, span } from './text/row.ts';

/** The pane of the wire: the latest packets that fit, the newest at the bottom. */
export function wireRows({ packets, problem }: Wire, columns: number, height: number): Row[] {
  const title = '── on the wire ';
  const head = row(span(`${title}${'─'.repeat(Math.max(0, columns - title.length))}`, 'dim'));
  const foot = problem === undefined ? [] : [row(span(problem, 'bad'))];
  const room = Math.max(0, height - 1 - foot.length);
  const rows: Row[] = [];
  for (const packet of packets.toReversed()) {
    if (rows.length >= room) break;
    rows.unshift(...packetRows(packet));
  }
  if (packets.length === 0 && problem === undefined) rows.push(row(span('waiting for the first packet', 'dim')));
  return [head, ...rows.slice(-room), ...foot].slice(0, height).map((line) => cut(line, columns));
}

function packetRows({ time, description, length, encrypted, secrets, bytes }: WirePacket): Row[] {
  const clock = span(`${time.slice(11, 19)} `, 'dim');
  const head = row(clock, span(description, encrypted ? 'cipher' : 'plain'), span(` ${length} bytes`, 'dim'));
  const readable = secrets.map((line) =>
    row('    ', ...markedSecrets(line).map(({ text, secret }) => span(text, secret ? 'secret' : 'plain'))),
  );
  const unreadable = encrypted && bytes !== undefined ? [row(span(`    ${bytes}`, 'dim'))] : [];
  return [head, ...readable, ...unreadable];
}
