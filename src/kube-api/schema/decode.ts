import type { ScalarSchema, Schema, StructSchema } from './dsl.ts';
import { isObject, type JsonObject } from './json.ts';

/** A value of the wrong JSON type, with what Kubernetes' two wordings of it need. */
export interface WrongType {
  /** With indices: `spec.containers[0].name`. */
  field: string;
  /** As encoding/json of Go says it. */
  goMessage: string;
  /** As the validation of a CustomResourceDefinition says it: the type that is there and the one that belongs there. */
  actual: string;
  expected: string;
}

export interface Decoded {
  /** The value without unknown fields and without nulls. */
  value: JsonObject;
  unknownFields: string[];
  wrongTypes: WrongType[];
}

interface Place {
  struct: string;
  /** Without indices and map keys, as Go names a field. */
  goPath: string;
  field: string;
}

/** Fits a parsed JSON object to the schema of its kind. */
export function decode(input: JsonObject, schema: StructSchema): Decoded {
  const unknownFields: string[] = [];
  const wrongTypes: WrongType[] = [];
  const value = decodeStruct(input, schema, { struct: schema.name, goPath: '', field: '' });
  return { value, unknownFields, wrongTypes };

  function decodeStruct(from: JsonObject, struct: StructSchema, place: Place): JsonObject {
    const result: JsonObject = {};
    for (const [name, value] of Object.entries(from)) {
      const field = place.field ? `${place.field}.${name}` : name;
      const known = struct.fields.get(name);
      if (!known) {
        unknownFields.push(field);
        continue;
      }
      if (value === null || value === undefined) continue;
      const goPath = place.goPath ? `${place.goPath}.${name}` : name;
      result[name] = decodeValue(value, known.schema, { struct: struct.name, goPath, field });
    }
    return result;
  }

  function decodeValue(value: unknown, schema: Schema, place: Place): unknown {
    switch (schema.type) {
      case 'any':
        return value;
      case 'struct':
        return isObject(value) ? decodeStruct(value, schema, place) : wrong(value, schema, place);
      case 'map':
        if (!isObject(value)) return wrong(value, schema, place);
        return Object.fromEntries(
          Object.entries(value)
            .filter(([, item]) => item !== null)
            .map(([k, item]) => [k, decodeValue(item, schema.values, { ...place, field: `${place.field}.${k}` })]),
        );
      case 'list':
        if (!Array.isArray(value)) return wrong(value, schema, place);
        return value.map((item, i) => decodeValue(item, schema.items, { ...place, field: `${place.field}[${i}]` }));
      case 'scalar':
        return fits(value, schema) ? normalize(value, schema) : wrong(value, schema, place);
    }
  }

  function wrong(value: unknown, schema: Schema, place: Place): undefined {
    const actual = typeOf(value);
    const shown = actual === 'number' && schema.type === 'scalar' ? `number ${value}` : actual;
    const goField = `Go struct field ${place.struct}.${place.goPath} of type ${goType(schema)}`;
    wrongTypes.push({
      field: place.field,
      goMessage:
        badFormat(value, schema) ?? `json: cannot unmarshal ${shown.replace(/^boolean/, 'bool')} into ${goField}`,
      actual: Number.isInteger(value) ? 'integer' : actual,
      expected: expectedType(schema),
    });
    return undefined;
  }
}

const QUANTITY = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function fits(value: unknown, schema: ScalarSchema): boolean {
  switch (schema.scalar) {
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int32':
      return Number.isInteger(value) && Math.abs(Number(value)) <= 2 ** 31;
    case 'int64':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'quantity':
      return typeof value === 'number' || (typeof value === 'string' && QUANTITY.test(value));
    case 'intOrString':
      return typeof value === 'string' || Number.isInteger(value);
    case 'time':
    case 'microTime':
      return typeof value === 'string' && TIME.test(value);
    case 'bytes':
      return typeof value === 'string' && BASE64.test(value.replace(/[\r\n]/g, ''));
  }
}

function normalize(value: unknown, schema: ScalarSchema): unknown {
  return schema.scalar === 'quantity' ? String(value) : value;
}

/** The messages of Go types that read their own text. */
function badFormat(value: unknown, schema: Schema): string | undefined {
  if (schema.type !== 'scalar' || typeof value !== 'string') return undefined;
  if (schema.scalar === 'quantity') {
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  }
  if (schema.scalar === 'bytes') {
    return `illegal base64 data at input byte ${Math.max(0, value.search(/[^A-Za-z0-9+/]/))}`;
  }
  if (schema.scalar === 'time' || schema.scalar === 'microTime') {
    return `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse it`;
  }
  return undefined;
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function goType(schema: Schema): string {
  if (schema.type === 'list') return `[]${goType(schema.items)}`;
  if (schema.type === 'map') return `map[string]${goType(schema.values)}`;
  if (schema.type === 'struct') return `v1.${schema.name}`;
  if (schema.type === 'any') return 'interface {}';
  const special: Partial<Record<string, string>> = {
    number: 'float64',
    quantity: 'resource.Quantity',
    intOrString: 'intstr.IntOrString',
    time: 'v1.Time',
    microTime: 'v1.MicroTime',
    bytes: '[]uint8',
  };
  return special[schema.scalar] ?? schema.scalar;
}

function expectedType(schema: Schema): string {
  if (schema.type === 'list') return 'array';
  if (schema.type === 'map' || schema.type === 'struct' || schema.type === 'any') return 'object';
  if (schema.scalar === 'bool') return 'boolean';
  if (schema.scalar === 'int32' || schema.scalar === 'int64') return 'integer';
  return schema.scalar === 'number' ? 'number' : 'string';
}
