import type { Packet, Span } from '../packet.ts';
import { secretValues } from '../secrets.ts';
import type { TextLine } from './explained.ts';

/** Bytes are text if at least this share of them is printable. */
const PRINTABLE = 0.85;
const SHORTEST_TEXT = 4;
const LONGEST_LINE = 2048;

/** Returns the readable lines of some bytes, with secrets marked; empty if they are no text. */
export function readableLines(bytes: Uint8Array): TextLine[] {
  if (!isText(bytes)) return [];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return text.split(/\r?\n/).map((line) => {
    const printable = line
      .slice(0, LONGEST_LINE)
      .replace(/\t/g, '  ')
      .replace(/[^\x20-\x7e]/g, '.');
    return { text: printable, secrets: secretsIn(printable) };
  });
}

/** Returns whether anybody who sees a packet can read its payload. */
export function hasReadablePayload(packet: Packet): boolean {
  if (packet.layers.some(({ kind }) => kind === 'wireguard' || kind === 'esp')) return false;
  const { offset, length } = packet.payload;
  return isText(packet.bytes.subarray(offset, offset + length));
}

function secretsIn(line: string): Span[] {
  return [...line.matchAll(secretValues())].map((found) => ({ offset: found.index, length: found[0].length }));
}

function isText(bytes: Uint8Array): boolean {
  if (bytes.length < SHORTEST_TEXT) return false;
  let printable = 0;
  for (const byte of bytes)
    if ((byte >= 0x20 && byte <= 0x7e) || byte === 9 || byte === 10 || byte === 13) printable += 1;
  return printable >= bytes.length * PRINTABLE;
}
