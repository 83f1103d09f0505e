import { formatIpv4 } from '../net/addresses.ts';
import { u8, u16 } from '../net/bytes.ts';
import { type Cursor, has, limit, malformed, type Protocol, pass, protocolOfIp } from './cursor.ts';

const SHORTEST = 20;

export function decodeIpv4(cursor: Cursor): Protocol | undefined {
  const { bytes, offset, layers } = cursor;
  if (!has(cursor, SHORTEST)) return undefined;
  const length = (u8(bytes, offset) & 0x0f) * 4;
  const totalLength = u16(bytes, offset + 2);
  // Segmentation offload leaves 0 in the header of a packet that is longer than the field can say.
  const contradiction = totalLength !== 0 && totalLength < length;
  if (u8(bytes, offset) >> 4 !== 4 || length < SHORTEST || contradiction) return malformed(cursor);
  if (!has(cursor, length)) return undefined;
  const service = u8(bytes, offset + 1);
  const fragmentation = u16(bytes, offset + 6);
  const moreFragments = (fragmentation & 0x2000) !== 0;
  const fragmentOffset = (fragmentation & 0x1fff) * 8;
  const protocol = u8(bytes, offset + 9);
  layers.push({
    kind: 'ipv4',
    offset,
    length,
    source: formatIpv4(bytes, offset + 12),
    destination: formatIpv4(bytes, offset + 16),
    protocol,
    totalLength,
    dscp: service >> 2,
    ecn: service & 3,
    identification: u16(bytes, offset + 4),
    dontFragment: (fragmentation & 0x4000) !== 0,
    moreFragments,
    fragmentOffset,
    ttl: u8(bytes, offset + 8),
    checksum: u16(bytes, offset + 10),
  });
  if (totalLength !== 0) limit(cursor, totalLength);
  pass(cursor, length);
  cursor.number = protocol;
  if (fragmentOffset > 0) return undefined;
  if (moreFragments) cursor.ending = 'truncated';
  return protocolOfIp(protocol);
}
