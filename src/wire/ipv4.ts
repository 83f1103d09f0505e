import { formatIpv4 } from '../net/addresses.ts';
import { u8, u16 } from '../net/bytes.ts';
import { type Cursor, endWithData, has, limit, malformed } from './cursor.ts';
import type { Ipv4Layer } from './packet.ts';
import { followIp } from './protocols.ts';

const SHORTEST = 20;

export function readIpv4(cursor: Cursor): number {
  const { bytes, offset } = cursor;
  if (!has(cursor, SHORTEST)) return 0;
  const length = (u8(bytes, offset) & 0x0f) * 4;
  const totalLength = u16(bytes, offset + 2);
  // Segmentation offload leaves 0 in the header of a packet that is longer than the field can say.
  const contradiction = totalLength !== 0 && totalLength < length;
  if (u8(bytes, offset) >> 4 !== 4 || length < SHORTEST || contradiction) return malformed(cursor);
  if (!has(cursor, length)) return 0;
  if (totalLength !== 0) limit(cursor, totalLength);
  const fragmentation = u16(bytes, offset + 6);
  cursor.more = (fragmentation & 0x2000) !== 0;
  cursor.position = (fragmentation & 0x1fff) * 8;
  cursor.nextAt = offset + 9;
  cursor.number = u8(bytes, cursor.nextAt);
  if (cursor.position > 0) return endWithData(cursor, length);
  if (cursor.more) cursor.ending = 'truncated';
  followIp(cursor, cursor.number, length);
  return length;
}

export function ipv4Layer({ bytes, offset, more, position }: Cursor, length: number): Ipv4Layer {
  const service = u8(bytes, offset + 1);
  return {
    kind: 'ipv4',
    offset,
    length,
    source: formatIpv4(bytes, offset + 12),
    destination: formatIpv4(bytes, offset + 16),
    protocol: u8(bytes, offset + 9),
    totalLength: u16(bytes, offset + 2),
    dscp: service >> 2,
    ecn: service & 3,
    identification: u16(bytes, offset + 4),
    dontFragment: (u8(bytes, offset + 6) & 0x40) !== 0,
    moreFragments: more,
    fragmentOffset: position,
    ttl: u8(bytes, offset + 8),
    checksum: u16(bytes, offset + 10),
  };
}
