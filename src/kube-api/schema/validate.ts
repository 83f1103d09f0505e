import type { StatusCause } from '../status.ts';
import type { Field, Schema, StructSchema } from './dsl.ts';
import { isObject, type JsonObject } from './json.ts';

export const required = (field: string, detail = ''): StatusCause => ({
  reason: 'FieldValueRequired',
  message: `Required value${detail && `: ${detail}`}`,
  field,
});

export const invalidValue = (field: string, value: unknown, detail: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${shown(value)}: ${detail}`,
  field,
});

export const duplicateValue = (field: string, value: unknown): StatusCause => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${shown(value)}`,
  field,
});

export const forbiddenField = (field: string, detail: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
  field,
});

const unsupported = (field: string, value: unknown, values: readonly string[]): StatusCause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${shown(value)}: supported values: ${[...values].sort().map(shown).join(', ')}`,
  field,
});

/** Finds what the schema alone forbids: required fields, enumerations, and keys of associative lists that come twice. */
export function validateSchema(value: JsonObject, struct: StructSchema, path = ''): StatusCause[] {
  return [...struct.fields.values()].flatMap((field) => {
    const at = path ? `${path}.${field.name}` : field.name;
    // The status is written by the engine's own parts; a client's is not taken over anyway.
    if (at === 'status') return [];
    return isEmpty(value[field.name]) && field.required ? [required(at)] : validateField(value[field.name], field, at);
  });
}

function validateField(value: unknown, field: Field, at: string): StatusCause[] {
  return value === undefined ? [] : validateValue(value, field.schema, at);
}

function validateValue(value: unknown, schema: Schema, at: string): StatusCause[] {
  if (schema.type === 'struct' && isObject(value)) return validateSchema(value, schema, at);
  if (schema.type === 'list' && Array.isArray(value)) {
    const items = value.flatMap((item, i) => validateValue(item, schema.items, `${at}[${i}]`));
    return [...items, ...duplicateKeys(value, schema.keys, at)];
  }
  if (schema.type === 'map' && isObject(value)) {
    return Object.entries(value).flatMap(([k, item]) => validateValue(item, schema.values, `${at}[${k}]`));
  }
  if (schema.type === 'scalar' && schema.values && value !== '' && !schema.values.includes(String(value))) {
    return [unsupported(at, value, schema.values)];
  }
  return [];
}

/** Only single keys: Kubernetes lets ports of one number and protocol come twice (with a warning). */
function duplicateKeys(items: unknown[], keys: readonly string[] | undefined, at: string): StatusCause[] {
  const key = keys?.length === 1 ? keys[0] : undefined;
  if (!key) return [];
  const seen = new Set<unknown>();
  return items.flatMap((item, i) => {
    const value = isObject(item) ? item[key] : undefined;
    if (value === undefined || !seen.has(value)) {
      seen.add(value);
      return [];
    }
    return [duplicateValue(`${at}[${i}].${key}`, value)];
  });
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
