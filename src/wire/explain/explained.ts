import type { EspKeys } from '../esp-keys.ts';
import type { Span } from '../packet.ts';

/** A packet explained to a person: its layers from the outside in, which together hold every byte of it exactly once. */
export interface ExplainedPacket {
  readonly bytes: Uint8Array;
  readonly layers: readonly ExplainedLayer[];
  /** Why the explanation stops, if the bytes end too early or contradict themselves; undefined if all is well. */
  readonly ending: string | undefined;
  /** The packet that a known key decrypted, which is not among the captured bytes. */
  readonly inside?: { readonly about: string; readonly packet: ExplainedPacket };
}

export interface ExplainedLayer extends Span {
  readonly name: string;
  /** The purpose of this layer in this packet; may be empty. */
  readonly about: string;
  /** In order, without gaps. */
  readonly fields: readonly Field[];
  /** The readable text of a payload, line by line; undefined for headers and ciphertext. */
  readonly text?: readonly TextLine[];
}

export interface Field extends Span {
  readonly name: string;
  readonly value: string;
  /** The meaning of the field, if its name does not say it; may be empty. */
  readonly about: string;
}

/** A line of printable ASCII only, safe for any terminal. */
export interface TextLine {
  readonly text: string;
  /** The places of secrets in the text. */
  readonly secrets: readonly Span[];
}

/** Facts that are known in addition to the packet itself. All of them may be empty. */
export interface Knowledge {
  /** The node or pod that has an IP address, by the address. */
  readonly names: ReadonlyMap<string, string>;
  readonly keys: readonly KnownKey[];
  /** The handshake of the same capture that announced an index, by the index. */
  readonly sessions: ReadonlyMap<number, Session>;
  /** Private keys of nodes, of 32 bytes, which open the handshakes that others begin with them. */
  readonly privateKeys?: readonly Uint8Array[];
  /** Keys of IPsec, if there is a Secret with them. */
  readonly espKeys?: EspKeys;
}

/** Somebody's WireGuard public key, of 32 bytes. */
export interface KnownKey {
  readonly name: string;
  readonly key: Uint8Array;
}

export interface Session {
  /** The IP address of the end that chose the index. */
  readonly address: string;
  /** The number of the packet that says so, counted from 1. */
  readonly packet: number;
}

/** One field of a header: its name, how many bytes it has, its value, and what it means. */
export type FieldPlan = readonly [name: string, length: number, value: string, about?: string];

/** Lays fields into a span, one after the other. Bytes that remain become a field called `rest`; fields beyond the end are left out. */
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

/** Formats a number with a fixed width, like Wireshark and `tcpdump -x`: `0x00ab`. */
export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
