import { messageOf } from '../../errors.ts';
import { parseJsonText } from '../json-text.ts';
import { servedResources } from '../resources.ts';
import type { Field, Schema, StructSchema } from '../schema/dsl.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import { structOf } from '../schema/structs.ts';
import { NUMBERS } from './numbers.ts';
import { asText, asVarint, readFields, type WireField } from './wire.ts';

/** A protobuf body that this server cannot read. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtobufError';
  }
}

const MAGIC = Buffer.from('k8s\0', 'latin1');

/**
 * Reads an object as kubectl from 1.32 on sends it (`create ns`, `create deployment`): the envelope `runtime.Unknown`,
 * then the kind's own message, by the same schema as JSON. Throws ProtobufError for what it does not know, so that
 * nothing is lost silently.
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC))
    throw new ProtobufError('the body does not begin as Kubernetes protobuf does');
  const envelope = readFields(body.subarray(4));
  const type = readFields(bytesOf(envelope, 1));
  const [apiVersion, kind] = [asText(bytesOf(type, 1)), asText(bytesOf(type, 2))];
  const message = decodeMessage(bytesOf(envelope, 2), schemaOf(kind), numbersOf(kind));
  return { apiVersion, kind, ...message };
}

function schemaOf(kind: string): StructSchema {
  const isServed = kind === 'DeleteOptions' || servedResources().some((resource) => resource.kind === kind);
  if (!isServed || !tables.has(kind)) throw new ProtobufError(`protobuf of ${kind} is not known here`);
  return structOf(kind);
}

function bytesOf(fields: WireField[], number: number): Buffer {
  const found = fields.find((field) => field.number === number)?.value;
  return Buffer.isBuffer(found) ? found : Buffer.alloc(0);
}

function decodeMessage(body: Buffer, struct: StructSchema, numbers: Map<number, string>): JsonObject {
  const result: JsonObject = {};
  for (const field of readFields(body)) {
    const name = numbers.get(field.number);
    if (name?.startsWith('*')) {
      Object.assign(result, decodeMessage(bufferOf(field), struct, numbersOf(name.slice(1))));
      continue;
    }
    const known = name === undefined ? undefined : struct.fields.get(name);
    if (name === undefined || !known)
      throw new ProtobufError(`${struct.name} has no field number ${field.number} here`);
    const value = decodeField(field, known.schema, result[name]);
    if (!isUnset(value, known, struct)) result[name] = value;
  }
  return result;
}

/**
 * Go writes the zero of every field that is not a pointer, so that an empty field cannot be told from an absent one. Only
 * where the field is a pointer in Go does a zero say something.
 */
function isUnset(value: unknown, field: Field, struct: StructSchema): boolean {
  if (value === '' || value === null) return true;
  if (value !== 0 && value !== false) return false;
  if (struct.name === 'Probe') return true;
  const pointer = field.default !== undefined || POINTERS.has(field.name) || struct.name.endsWith('SecurityContext');
  return !pointer;
}

const POINTERS = new Set([
  'gracePeriodSeconds',
  'deletionGracePeriodSeconds',
  'automountServiceAccountToken',
  'tolerationSeconds',
  'hostUsers',
  'allocateLoadBalancerNodePorts',
]);

function decodeField(field: WireField, schema: Schema, before: unknown): unknown {
  switch (schema.type) {
    case 'list':
      return [...(Array.isArray(before) ? before : []), decodeField(field, schema.items, undefined)];
    case 'map': {
      const entry = readFields(bufferOf(field));
      const value = entry.find((part) => part.number === 2) ?? { number: 2, value: Buffer.alloc(0) };
      const pair = [[asText(bytesOf(entry, 1)), decodeField(value, schema.values, undefined)]];
      return { ...(isObject(before) ? before : {}), ...Object.fromEntries(pair) };
    }
    case 'struct':
      return decodeMessage(bufferOf(field), schema, numbersOf(schema.name));
    case 'any':
      return decodeRaw(bufferOf(field));
    case 'scalar':
      return decodeScalar(field, schema.scalar);
  }
}

function decodeScalar(field: WireField, scalar: string): unknown {
  switch (scalar) {
    case 'bool':
      return asVarint(field.value) !== 0;
    case 'int32':
    case 'int64':
      return asVarint(field.value);
    case 'bytes':
      return bufferOf(field).toString('base64');
    case 'quantity':
      return asText(bytesOf(readFields(bufferOf(field)), 1));
    case 'intOrString': {
      const parts = readFields(bufferOf(field));
      const isText = parts.some((part) => part.number === 1 && part.value === 1n);
      if (isText) return asText(bytesOf(parts, 3));
      return asVarint(parts.find((part) => part.number === 2)?.value ?? 0n);
    }
    case 'time':
    case 'microTime': {
      const seconds = readFields(bufferOf(field)).find((part) => part.number === 1);
      // An empty message is Go's zero time, which is null in JSON.
      return seconds ? `${new Date(asVarint(seconds.value) * 1000).toISOString().slice(0, 19)}Z` : null;
    }
    default:
      return asText(bufferOf(field));
  }
}

/** `FieldsV1` and `RawExtension` carry JSON. */
function decodeRaw(body: Buffer): unknown {
  const text = asText(bytesOf(readFields(body), 1));
  try {
    return parseJsonText(text || 'null');
  } catch (error) {
    throw new ProtobufError(`a field should carry JSON: ${messageOf(error)}`);
  }
}

function bufferOf(field: WireField): Buffer {
  if (!Buffer.isBuffer(field.value)) throw new ProtobufError(`field ${field.number} has the wrong wire type`);
  return field.value;
}

const tables = new Map<string, Map<number, string>>();
for (const line of NUMBERS.trim().replaceAll('\n  ', ' ').split('\n')) {
  const [name = '', ...words] = line.split(/:? /);
  const table = new Map<number, string>();
  let number = 1;
  for (const word of words) {
    if (/^\d+$/.test(word)) number = Number(word);
    else table.set(number++, word);
  }
  tables.set(name, table);
}

function numbersOf(name: string): Map<number, string> {
  const table = tables.get(name);
  if (!table) throw new ProtobufError(`protobuf of ${name} is not known here`);
  return table;
}
