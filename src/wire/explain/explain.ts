import { decodeFrame, decodeIpPacket } from '../decode.ts';
import type { Ending, Frame, Layer, Packet, Span } from '../packet.ts';
import { type EspExplained, explainEsp } from './esp.ts';
import { type ExplainedLayer, type ExplainedPacket, type Knowledge, layFields } from './explained.ts';
import { explainHeader } from './headers.ts';
import { readableLines } from './payload.ts';
import { explainWireguard } from './wireguard.ts';

/** Explains a frame to a person: every byte of it, with its name and value. Never throws: `ending` says why it ended early. */
export function explainFrame(frame: Pick<Frame, 'bytes' | 'linkType'>, knowledge: Knowledge): ExplainedPacket {
  return explainPacket(decodeFrame(frame), knowledge);
}

function explainPacket(packet: Packet, knowledge: Knowledge): ExplainedPacket {
  const layers = packet.layers.flatMap((layer, at) =>
    layer.kind === 'wireguard'
      ? explainWireguard(packet, layer, knowledge)
      : explainHeader(packet, at, layer, knowledge),
  );
  const explained = endOf(layers);
  const payload = { offset: explained, length: Math.max(0, endOf([packet.payload]) - explained) };
  const after = endOf([...layers, payload]);
  const left = { offset: after, length: packet.bytes.length - after };
  const last = packet.layers.at(-1);
  const esp = last?.kind === 'esp' && payload.length > 0 ? explainEsp(packet, last, knowledge) : undefined;
  return {
    bytes: packet.bytes,
    layers: [
      ...layers,
      ...(payload.length > 0 ? [esp?.payload ?? payloadLayer(packet, payload)] : []),
      ...(left.length > 0 ? [leftOver(left)] : []),
    ],
    ending: ENDINGS[packet.ending],
    ...(esp?.opened ? { inside: inside(esp.opened, knowledge) } : {}),
  };
}

/** Explains the decrypted packet. ESP in it is not decrypted again: no CNI puts ESP into ESP. */
function inside({ key, opened }: NonNullable<EspExplained['opened']>, knowledge: Knowledge): ExplainedPacket['inside'] {
  const { espKeys: _, ...rest } = knowledge;
  return {
    about: `Decrypted with ${key.name}. Whoever has the Secret reads this packet, today or from a capture of last year.`,
    packet: explainPacket(decodeIpPacket(opened.inner), rest),
  };
}

const ENDINGS: { readonly [ending in Ending]: string | undefined } = {
  complete: undefined,
  truncated: 'the bytes end here: the capture cut the packet (snap length), or it is a fragment',
  malformed: 'what follows contradicts itself, and is not taken apart',
  'too deep': 'too many layers',
};

function endOf(spans: readonly Span[]): number {
  return Math.max(0, ...spans.map(({ offset, length }) => offset + length));
}

function payloadLayer({ bytes, layers }: Packet, span: Span): ExplainedLayer {
  const last = layers.at(-1);
  const size = `${span.length} bytes`;
  const text = readableLines(bytes.subarray(span.offset, span.offset + span.length));
  const secrets = text.reduce((sum, line) => sum + line.secrets.length, 0);
  const readable =
    secrets > 0
      ? `in clear, with ${secrets === 1 ? 'a secret' : `${secrets} secrets`}: whoever sees this packet reads it`
      : 'in clear: whoever sees this packet reads it';
  return {
    name: nameOfPayload(last),
    about: text.length > 0 ? readable : '',
    ...span,
    fields: layFields(span, [['data', span.length, size]]),
    ...(text.length > 0 ? { text } : {}),
  };
}

function nameOfPayload(last: Layer | undefined): string {
  if (last === undefined) return 'A frame that is not understood';
  if ((last.kind === 'icmp' || last.kind === 'icmpv6') && last.quoted) return 'The packet that the error is about';
  return 'Payload';
}

/** Returns the layer of the bytes that pad a short frame, or that come after the end that a header states. */
function leftOver(span: Span): ExplainedLayer {
  const fields = layFields(span, [['padding', span.length, `${span.length} bytes`]]);
  return { name: 'After the packet', about: 'Ethernet fills short frames up to 60 bytes', ...span, fields };
}
