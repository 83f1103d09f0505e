import type { Explained } from '../../../operations/explain.ts';
import { spacedHex } from '../../../text/hex.ts';
import type { Palette } from '../../../text/style.ts';
import { padTo, textWidth } from '../../../text/width.ts';
import { wrap } from '../../../text/wrap.ts';
import type { ExplainedLayer, ExplainedPacket, Field, TextLine } from '../../../wire/explain/explained.ts';

/** The narrowest text that is still well read. */
const NARROWEST = 72;
const BETWEEN = ' │ ';

const BYTES_A_LINE = 8;
const HEX_WIDTH = BYTES_A_LINE * 3 - 1;
const OFFSET_WIDTH = 5;
/** The column in which names and values begin. */
const LEFT = OFFSET_WIDTH + 2 + HEX_WIDTH + 2;
const NAME_WIDTH = 21;
/** How much of a long field is shown in bytes, and of a payload in lines. */
const MOST_HEX_LINES = 4;
const MOST_TEXT_LINES = 24;

/** Packets taken apart: next to each other where all fit into the width of the terminal, else one after the other. */
export function explainText(packets: readonly Explained[], palette: Palette, width: number): string {
  const share = Math.floor((width - BETWEEN.length * (packets.length - 1)) / packets.length);
  if (packets.length > 1 && share >= NARROWEST) {
    const columns = aligned(packets.map((packet) => packetBlocks(packet, palette, share)));
    return `${sideBySide(columns, share, palette.dim(BETWEEN)).join('\n')}\n`;
  }
  const room = Math.max(NARROWEST, width);
  return packets.map((packet) => `${linesOf(packetBlocks(packet, palette, room)).join('\n')}\n`).join('\n');
}

/** Some lines that belong together: what is said of the packet as a whole, or one layer. */
interface Block {
  name: string;
  lines: string[];
}

function packetBlocks(packet: Explained, palette: Palette, width: number): Block[] {
  const { source, packet: number, time, length, why, description, explained } = packet;
  const captured = explained.bytes.length;
  const cut = captured < length ? `, of which ${captured} were captured` : '';
  const head = `Packet ${number} of ${source}, ${time}, ${length} bytes${cut}`;
  const lines = [
    ...wrap(head, width).map((line) => palette.bold(line)),
    ...wrap(description, width),
    ...(why === '' ? [] : wrap(`(${why})`, width).map((line) => palette.dim(line))),
  ];
  const end = explained.ending === undefined ? [] : wrap(explained.ending, width).map((line) => palette.red(line));
  return [
    { name: '', lines },
    ...layerBlocks(explained, palette, width),
    ...(end.length > 0 ? [{ name: 'ending', lines: end }] : []),
  ];
}

/** The layers of a packet, and after them those of the packet that a key opened in it. */
function layerBlocks({ layers, bytes, inside }: ExplainedPacket, palette: Palette, width: number): Block[] {
  return [
    ...layers.map((layer) => ({ name: layer.name, lines: layerLines(layer, bytes, palette, width) })),
    ...(inside
      ? [
          { name: 'inside', lines: wrap(inside.about, width).map((line) => palette.bold(palette.yellow(line))) },
          ...layerBlocks(inside.packet, palette, width),
        ]
      : []),
  ];
}

function linesOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ lines }, i) => (i === 0 ? lines : ['', ...lines]));
}

/** Returns columns of lines next to each other, each filled up to the width. */
function sideBySide(columns: readonly (readonly string[])[], width: number, between: string): string[] {
  const height = Math.max(...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, i) =>
    columns
      .map((lines) => padTo(lines[i] ?? '', width))
      .join(between)
      .trimEnd(),
  );
}

/** Returns columns in which the layers that all packets begin with are next to each other. */
function aligned(packets: readonly (readonly Block[])[]): string[][] {
  const [first = []] = packets;
  const different = first.findIndex(({ name }, i) => packets.some((blocks) => blocks[i]?.name !== name));
  const same = different < 0 ? first.length : different;
  return packets.map((blocks) =>
    linesOf(
      blocks.map((block, i) => {
        if (i >= same) return block;
        const height = Math.max(...packets.map((each) => each[i]?.lines.length ?? 0));
        return { ...block, lines: [...block.lines, ...Array<string>(height - block.lines.length).fill('')] };
      }),
    ),
  );
}

function layerLines(layer: ExplainedLayer, bytes: Uint8Array, palette: Palette, width: number): string[] {
  const { name, about, offset, length, fields, text } = layer;
  const span = `bytes ${offset} to ${offset + length - 1}`;
  const [first = '', ...more] = wrap(about === '' ? name : `${name}: ${about}`, width - span.length - 2);
  const head = padTo(first, width - span.length);
  const colour = colourOf(layer, palette);
  return [
    colour(palette.bold(head)) + palette.dim(span),
    ...more.map((line) => colour(`  ${line}`)),
    ...fields.flatMap((field) => fieldLines(field, bytes, palette, width)),
    ...(text ? textLines(text, palette, width) : []),
  ];
}

function colourOf({ name, text }: ExplainedLayer, palette: Palette): (text: string) => string {
  if (text) return palette.yellow;
  return name.startsWith('WireGuard') || name.includes('ESP') || name === 'Encrypted' ? palette.green : palette.cyan;
}

/** Offset, bytes, name and value in a line; what is too long goes on below. */
function fieldLines(field: Field, bytes: Uint8Array, palette: Palette, width: number): string[] {
  const { name, value, about, offset, length } = field;
  const hex = hexLines(bytes.subarray(offset, offset + length));
  const room = width - LEFT;
  const nameColumn = padTo(name, NAME_WIDTH);
  const fits = textWidth(value) <= room - NAME_WIDTH;
  const words = [
    ...(fits ? [(nameColumn + value).trimEnd()] : [name, ...wrap(value, room - 2).map((line) => `  ${line}`)]),
    ...wrap(about, room - 4).map((line) => palette.dim(`    ${line}`)),
  ];
  return Array.from({ length: Math.max(hex.length, words.length) }, (_, i) => {
    const at = i < Math.min(hex.length, Math.ceil(length / BYTES_A_LINE)) && !hex[i]?.startsWith('…');
    const left = at ? String(offset + i * BYTES_A_LINE).padStart(OFFSET_WIDTH) : ' '.repeat(OFFSET_WIDTH);
    return `${palette.dim(left)}  ${(hex[i] ?? '').padEnd(HEX_WIDTH)}  ${words[i] ?? ''}`.trimEnd();
  });
}

function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    if (lines.length === MOST_HEX_LINES && bytes.length - at > BYTES_A_LINE) {
      return [...lines, `… ${bytes.length - at} more`];
    }
    lines.push(spacedHex(bytes.subarray(at, at + BYTES_A_LINE)));
  }
  return lines;
}

/** Marks secrets by colour or, without colours, by a line of marks below them. */
function textLines(text: readonly TextLine[], palette: Palette, width: number): string[] {
  const shown = text.slice(0, MOST_TEXT_LINES);
  const more = text.length - shown.length;
  return [
    ...shown.flatMap((line) => pieces(line, width - MARGIN.length).flatMap((piece) => markedLine(piece, palette))),
    ...(more > 0 ? [palette.dim(`${MARGIN}… ${more} more lines`)] : []),
  ];
}

const MARGIN = '  | ';

function markedLine({ text, secrets }: TextLine, palette: Palette): string[] {
  if (palette.level > 0) {
    let marked = '';
    let at = 0;
    for (const { offset, length } of secrets) {
      marked += text.slice(at, offset) + palette.black(palette.bgYellow(text.slice(offset, offset + length)));
      at = offset + length;
    }
    return [palette.dim(MARGIN) + marked + text.slice(at)];
  }
  let marks = '';
  for (const { offset, length } of secrets) marks = marks.padEnd(offset) + '^'.repeat(length);
  return [MARGIN + text, ...(marks === '' ? [] : [' '.repeat(MARGIN.length) + marks])];
}

/** A long line in pieces of the width, each with what is marked in it. */
function pieces({ text, secrets }: TextLine, width: number): TextLine[] {
  const count = Math.max(1, Math.ceil(text.length / width));
  return Array.from({ length: count }, (_, i) => {
    const [start, end] = [i * width, (i + 1) * width];
    const within = secrets.flatMap(({ offset, length }) => {
      const [from, to] = [Math.max(offset, start), Math.min(offset + length, end)];
      return from < to ? [{ offset: from - start, length: to - from }] : [];
    });
    return { text: text.slice(start, end), secrets: within };
  });
}
