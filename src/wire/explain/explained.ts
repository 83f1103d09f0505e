import type { EspKeys } from '../esp-keys.ts';
import type { Span } from '../packet.ts';

/** A packet taken apart for a person: its layers from the outside in, which together hold every byte of it exactly once. */
export interface ExplainedPacket {
  readonly bytes: Uint8Array;
  readonly layers: readonly ExplainedLayer[];
  /** Why there is no more to say, where the bytes end too early or contradict themselves; undefined where all is well. */
  readonly ending: string | undefined;
  /** What a key that is known opened: the packet that was carried, which is not among the captured bytes. */
  readonly inside?: { readonly about: string; readonly packet: ExplainedPacket };
}

export interface ExplainedLayer extends Span {
  readonly name: string;
  /** What this layer is there for, in this packet; may be empty. */
  readonly about: string;
  /** In order, without gaps. */
  readonly fields: readonly Field[];
  /** What can be read of a payload, line by line; undefined for headers and ciphertext. */
  readonly text?: readonly TextLine[];
}

export interface Field extends Span {
  readonly name: string;
  readonly value: string;
  /** What it means, where its name does not tell; may be empty. */
  readonly about: string;
}

/** Printable ASCII alone, safe for any terminal. */
export interface TextLine {
  readonly text: string;
  /** Where secrets are in it. */
  readonly secrets: readonly Span[];
}

/** What is known beside the packet itself. All of it may be empty. */
export interface Knowledge {
  /** Whose an IP address is: the name of a node, or of a pod. */
  readonly names: ReadonlyMap<string, string>;
  readonly keys: readonly KnownKey[];
  /** Which handshake of the same capture announced an index, by the index. */
  readonly sessions: ReadonlyMap<number, Session>;
  /** Private keys of nodes, of 32 bytes, which open the handshakes that others begin with them. */
  readonly privateKeys?: readonly Uint8Array[];
  /** Keys of IPsec, if a Secret is at hand. */
  readonly espKeys?: EspKeys;
}

/** Somebody's WireGuard public key, of 32 bytes. */
export interface KnownKey {
  readonly name: string;
  readonly key: Uint8Array;
}

export interface Session {
  /** The IP address of the one who chose the index. */
  readonly address: string;
  /** The number of the packet that says so, counted from 1. */
  readonly packet: number;
}

/** One field of a header: its name, how many bytes it has, its value, and what it means. */
export type FieldPlan = readonly [name: string, length: number, value: string, about?: string];

/** Lays fields one behind the other into a span. What is left over is a field called `rest`; what lies beyond is left out. */
export function layFields({ offset, length }: Span, plans: readonly FieldPlan[], rest = 'options'): Field[] {
  const fields: Field[] = [];
  const end = offset + length;
  let at = offset;
  for (const [name, wanted, value, about = ''] of plans) {
    const there = Math.min(wanted, end - at);
    if (there <= 0) continue;
    fields.push({ name, offset: at, length: there, value: there === wanted ? value : 'cut off', about });
    at += there;
  }
  if (at < end) fields.push({ name: rest, offset: at, length: end - at, value: `${end - at} bytes`, about: '' });
  return fields;
}

/** As Wireshark and `tcpdump -x` write numbers of a fixed width: `0x00ab`. */
export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
