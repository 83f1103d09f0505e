/** One field of a protobuf message as it lies on the wire. */
export interface WireField {
  number: number;
  /** Bytes for length-delimited fields, else the number. */
  value: Buffer | bigint;
}

/** Splits a message into its fields. Throws RangeError on a message that is cut off or of an unknown wire type. */
export function readFields(body: Buffer): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = body[at++];
      if (byte === undefined) break;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, result);
    }
    throw new RangeError('protobuf: a number is cut off');
  };
  const take = (length: number): Buffer => {
    if (length < 0 || at + length > body.length) throw new RangeError('protobuf: a field is cut off');
    at += length;
    return body.subarray(at - length, at);
  };
  while (at < body.length) {
    const key = Number(varint());
    const number = key >>> 3;
    const type = key & 7;
    if (type === 0) fields.push({ number, value: varint() });
    else if (type === 1) fields.push({ number, value: take(8).readBigInt64LE() });
    else if (type === 2) fields.push({ number, value: take(Number(varint())) });
    else if (type === 5) fields.push({ number, value: BigInt(take(4).readInt32LE()) });
    else throw new RangeError(`protobuf: wire type ${type} is not known`);
  }
  return fields;
}

export function asText(value: Buffer): string {
  return value.toString('utf8');
}

export function asVarint(value: Buffer | bigint): number {
  if (typeof value !== 'bigint') throw new RangeError('protobuf: a number is expected');
  return Number(value);
}
