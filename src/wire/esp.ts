import { u32 } from '../net/bytes.ts';
import { type Cursor, has, pass } from './cursor.ts';

const HEADER = 8;

export function decodeEsp(cursor: Cursor): undefined {
  addLayer(cursor, false);
}

/** In UDP port 4500. An SPI of 0 marks IKE, a lone byte is a keepalive: both are left as payload (RFC 3948 §2). */
export function decodeEspInUdp(cursor: Cursor): undefined {
  const { bytes, offset, end } = cursor;
  if (end - offset >= HEADER && u32(bytes, offset) !== 0) addLayer(cursor, true);
}

function addLayer(cursor: Cursor, inUdp: boolean): void {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, HEADER)) return;
  layers.push({
    kind: 'esp',
    offset,
    length: HEADER,
    spi: u32(bytes, offset),
    sequence: u32(bytes, offset + 4),
    inUdp,
  });
  pass(cursor, HEADER);
}
