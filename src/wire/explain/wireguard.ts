import { u32le } from '../../net/bytes.ts';
import { hexOf } from '../../text/hex.ts';
import {
  bytesOf,
  type Packet,
  type Span,
  type WireguardInitiation,
  type WireguardLayer,
  type WireguardResponse,
} from '../packet.ts';
import { mac1Fits } from '../wireguard.ts';
import { openInitiation } from '../wireguard-open.ts';
import { splitSegments } from '../wireguard-segments.ts';
import { base64Of, type ExplainedLayer, type FieldPlan, hex, type Knowledge, layFields } from './explained.ts';

const TAG_LENGTH = 16;
const DATA_HEADER = 16;

/**
 * Explains a WireGuard message, field by field (names and lengths of Linux drivers/net/wireguard/messages.h; what they are for, of the
 * paper §5.4). The ciphertext of a data message, which is the packet's payload, belongs to it.
 */
export function explainWireguard(packet: Packet, layer: WireguardLayer, knowledge: Knowledge): ExplainedLayer[] {
  switch (layer.message) {
    case 'initiation':
      return [
        whole(
          layer,
          'WireGuard handshake initiation',
          'who starts a session: no data yet',
          initiation(packet, layer, knowledge),
        ),
      ];
    case 'response':
      return [
        whole(
          layer,
          'WireGuard handshake response',
          'the answer to an initiation: with it both have the session keys',
          response(packet, layer, knowledge),
        ),
      ];
    case 'cookie':
      return [
        whole(layer, 'WireGuard cookie reply', 'the receiver is under load: come again with this cookie in mac2', [
          ...start('3: cookie reply'),
          receiverField(layer.receiver, knowledge),
          ['nonce', 24, `${hexOf(layer.nonce).slice(0, 16)}…`],
          ['encrypted cookie', 32, '16 bytes and their tag'],
        ]),
      ];
    case 'data':
      return data(packet, knowledge, layer);
  }
}

function whole(span: Span, name: string, about: string, fields: FieldPlan[]): ExplainedLayer {
  return { name, about, offset: span.offset, length: span.length, fields: layFields(span, fields) };
}

function start(type: string): FieldPlan[] {
  return [
    ['type', 1, type],
    ['reserved', 3, '0', 'always zero'],
  ];
}

function initiation(packet: Packet, layer: WireguardInitiation, knowledge: Knowledge): FieldPlan[] {
  const opened = openedInitiation(packet, layer, knowledge);
  return [
    ...start('1: handshake initiation'),
    [
      'sender index',
      4,
      hex(layer.sender, 8),
      'what the answer, and all data to this sender, will carry as the receiver index',
    ],
    [
      'ephemeral key',
      32,
      base64Of(layer.ephemeral),
      "a public key made for this handshake alone: once it is thrown away, nobody can read a recording of today's traffic, not even with all keys",
    ],
    [
      'encrypted static',
      48,
      opened
        ? `opened: ${base64Of(opened.initiator)}${ownerOf(opened.initiator, knowledge)}`
        : '32 bytes and their tag',
      "the sender's own public key, encrypted: who listens does not see who calls",
    ],
    [
      'encrypted timestamp',
      28,
      opened ? `opened: ${new Date(opened.time).toISOString()}` : '12 bytes and their tag',
      'encrypted: a handshake that is sent a second time is not later than the last, and ignored',
    ],
    ...macs(packet, layer, knowledge),
  ];
}

function response(packet: Packet, layer: WireguardResponse, knowledge: Knowledge): FieldPlan[] {
  return [
    ...start('2: handshake response'),
    ['sender index', 4, hex(layer.sender, 8), 'what data to this sender will carry as the receiver index'],
    receiverField(layer.receiver, knowledge),
    ['ephemeral key', 32, base64Of(layer.ephemeral), 'a public key made for this handshake alone'],
    ['encrypted nothing', 16, 'a tag alone', 'proves that the responder has come to the same keys'],
    ...macs(packet, layer, knowledge),
  ];
}

function openedInitiation(packet: Packet, layer: WireguardInitiation, { privateKeys = [] }: Knowledge) {
  for (const key of privateKeys) {
    const opened = openInitiation(bytesOf(packet, layer), key);
    if (opened) return opened;
  }
  return undefined;
}

function ownerOf(key: Uint8Array, { keys }: Knowledge): string {
  const owners = keys.filter((known) => Buffer.from(known.key).equals(key)).map(({ name }) => name);
  return owners.length > 0 ? ` (${owners.join(', ')})` : keys.length > 0 ? ' (no key that is known)' : '';
}

function macs(packet: Packet, layer: WireguardInitiation | WireguardResponse, { keys }: Knowledge): FieldPlan[] {
  const message = bytesOf(packet, layer);
  const fitting = keys.filter(({ key }) => mac1Fits(message, key));
  const names = fitting.map(({ name, key }) => `fits the public key of ${name}, ${base64Of(key)}`);
  const none =
    keys.length === 0
      ? 'no public keys are known to compare with'
      : `fits none of the ${keys.length} public keys known`;
  const underLoad = layer.mac2.some((byte) => byte !== 0);
  return [
    [
      'mac1',
      16,
      names.join('; ') || none,
      "a hash of this message, keyed with the receiver's public key: anybody who knows that key can check for whom it is",
    ],
    ['mac2', 16, underLoad ? 'made with a cookie' : '0: no cookie was asked for', ''],
  ];
}

function receiverField(receiver: number, { names, sessions }: Knowledge): FieldPlan {
  const session = sessions.get(receiver);
  const about = 'which session of the receiver this belongs to; it chose the number in the handshake';
  if (!session) return ['receiver index', 4, hex(receiver, 8), about];
  const name = names.get(session.address);
  const who = name === undefined ? session.address : `${session.address} (${name})`;
  return ['receiver index', 4, `${hex(receiver, 8)}, of ${who}, announced in packet ${session.packet}`, about];
}

/** Returns one layer for each message: a capture of segmentation offload has several in one packet. */
function data(packet: Packet, knowledge: Knowledge, layer: WireguardLayer): ExplainedLayer[] {
  const there = layer.length + packet.payload.length;
  const message = packet.bytes.subarray(layer.offset, layer.offset + there);
  const segments = splitSegments(message);
  let offset = layer.offset;
  return segments.map((segment, i) => {
    const last = i === segments.length - 1;
    // The last one's length on the wire, if the capture cut it.
    const length = last ? layer.messageLength - (offset - layer.offset) : segment.length;
    const span = { offset, length: segment.length };
    offset += segment.length;
    const number = segments.length > 1 ? `, ${i + 1} of ${segments.length} in one packet (segmentation offload)` : '';
    return dataMessage(segment, span, length, number, knowledge);
  });
}

function dataMessage(
  segment: Uint8Array,
  span: Span,
  length: number,
  number: string,
  knowledge: Knowledge,
): ExplainedLayer {
  const encrypted = Math.max(0, length - DATA_HEADER - TAG_LENGTH);
  const counter = new DataView(segment.buffer, segment.byteOffset, segment.length).getBigUint64(8, true);
  const fields: FieldPlan[] = [
    ...start('4: data'),
    receiverField(u32le(segment, 4), knowledge),
    [
      'counter',
      8,
      String(counter),
      'counts the packets of this session; no number comes twice, so nothing can be sent again by others',
    ],
    [
      'encrypted data',
      Math.min(encrypted, span.length - DATA_HEADER),
      cutText(encrypted, span),
      "a whole IP packet, addresses and all, padded: ChaCha20 under the session's key",
    ],
    ['tag', TAG_LENGTH, 'Poly1305', 'one bit changed anywhere, and the receiver throws the packet away'],
  ];
  const about =
    encrypted === 0 ? 'a keepalive: nothing inside' : "what the pods say, unreadable without the nodes' keys";
  return { name: `WireGuard data${number}`, about, ...span, fields: layFields(span, fields, 'more') };
}

function cutText(encrypted: number, span: Span): string {
  const there = Math.max(0, span.length - DATA_HEADER);
  return there < encrypted ? `${encrypted} bytes, of which ${there} were captured` : `${encrypted} bytes`;
}
