import { usageFailure } from '../../../errors.ts';
import { type Explained, explain } from '../../../operations/explain.ts';
import { hexOf } from '../../../text/hex.ts';
import { PACKET_KINDS, type PacketKind, type Wanted } from '../../../wire/explain/choose.ts';
import type { ExplainedPacket } from '../../../wire/explain/explained.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';
import { explainText } from './text.ts';

interface ExplainOptions {
  pcap?: string[];
  packet?: string[];
  keys?: string[];
  espSecret?: string[];
  privateKey?: string[];
  lab?: string;
  node?: string;
  wait: number;
  output?: 'json';
}

/** Explains packets of capture files, or one from the wire. */
export async function explainCommand(
  context: Context,
  argument: string | undefined,
  options: ExplainOptions,
): Promise<undefined> {
  const lab = chosenLab(argument, options.lab);
  const {
    pcap: files = [],
    packet = [],
    keys = [],
    espSecret: espSecrets = [],
    privateKey: privateKeys = [],
    node,
    wait,
  } = options;
  if (files.length > 0 && node !== undefined)
    throw usageFailure('--node is for a packet from the wire: leave --pcap away');
  const packets = packet.map(wanted);
  if (packets.length > Math.max(1, files.length)) throw usageFailure('more of --packet than of --pcap');
  const request = {
    files,
    packets,
    keys,
    espSecrets,
    privateKeys,
    waitSeconds: wait,
    ...(lab === undefined ? {} : { lab }),
    ...(node === undefined ? {} : { node }),
  };
  const { progress, signal, out, palette } = context;
  const explained = await explain(request, progress, signal).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done();
  if (options.output) printJson(context, { packets: explained.map(forJson) });
  else out.write(explainText(explained, palette, widthOf(context)));
  return undefined;
}

function wanted(text: string): Wanted {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  const kind = PACKET_KINDS.find((name): name is PacketKind => name === text);
  if (kind) return kind;
  throw usageFailure(`--packet ${text}: neither the number of a packet, from 1, nor one of ${PACKET_KINDS.join(', ')}`);
}

/** COLUMNS is what a shell says of a terminal that the output does not go to itself (`| less`). */
function widthOf({ out }: Context): number {
  return out.columns ?? (Number(process.env.COLUMNS) || 80);
}

function forJson({ explained, length, ...rest }: Explained) {
  return { ...rest, length, captured: explained.bytes.length, ...packetForJson(explained) };
}

function packetForJson({ bytes, layers, ending, inside }: ExplainedPacket): object {
  return {
    ending: ending ?? null,
    layers: layers.map(({ fields, text, ...layer }) => ({
      ...layer,
      fields: fields.map((field) => ({
        ...field,
        hex: hexOf(bytes.subarray(field.offset, field.offset + field.length)),
      })),
      ...(text ? { text } : {}),
    })),
    ...(inside ? { inside: { about: inside.about, ...packetForJson(inside.packet) } } : {}),
  };
}
