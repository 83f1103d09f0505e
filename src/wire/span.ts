/** A part of a packet's bytes: `offset` counts from the first byte of `Packet.bytes`. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** The header of each layer lies at `offset` and is `length` bytes long, options included. */
export interface Header<Kind extends string> extends Span {
  readonly kind: Kind;
}
