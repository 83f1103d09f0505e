import type { Schema } from '../schema/dsl.ts';
import { isObject, type JsonObject, ownField, setField } from '../schema/json.ts';
import { same } from '../store.ts';

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/**
 * Kubernetes' strategic merge patch: as a merge patch, but lists with a merge key merge item by item, and directives in
 * the patch delete, replace and order. Returns a new value.
 */
export function strategicPatch(target: unknown, patch: unknown, schema: Schema): unknown {
  if (!isObject(patch)) return patch;
  return mergeObject(isObject(target) ? target : {}, patch, schema);
}

function mergeObject(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  if (patch.$patch === 'delete') return {};
  const result = { ...target };
  if (Array.isArray(patch.$retainKeys)) {
    for (const key of Object.keys(result)) if (!patch.$retainKeys.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith('$')) mergeField(result, key, value, patch, schema);
  }
  for (const [key, values] of Object.entries(patch)) {
    const field = key.startsWith(DELETE_FROM) ? key.slice(DELETE_FROM.length) : undefined;
    const list = field === undefined ? undefined : ownField(result, field);
    if (field !== undefined && Array.isArray(list) && Array.isArray(values)) {
      const kept = list.filter((item) => !values.some((value) => same(item, value)));
      setField(result, field, kept);
    }
  }
  for (const [key, order] of Object.entries(patch)) {
    const field = key.startsWith(ORDER) ? key.slice(ORDER.length) : undefined;
    const list = field === undefined ? undefined : ownField(result, field);
    if (field !== undefined && Array.isArray(list) && Array.isArray(order)) {
      setField(result, field, inOrder(list, order, mergeKey(fieldSchema(schema, field))));
    }
  }
  return result;
}

function mergeField(result: JsonObject, key: string, value: unknown, patch: JsonObject, schema: Schema): void {
  const below = fieldSchema(schema, key);
  const before = ownField(result, key);
  const list = Array.isArray(before) ? before : [];
  if (value === null) delete result[key];
  else if (isObject(value)) {
    const merged = mergeObject(isObject(before) ? before : {}, value, below);
    if (value.$patch === 'delete') delete result[key];
    else setField(result, key, merged);
  } else if (Array.isArray(value) && below.type === 'list' && below.keys) {
    setField(result, key, mergeList(list, value, below.items, mergeKey(below)));
  } else if (Array.isArray(value) && Object.hasOwn(patch, `${DELETE_FROM}${key}`)) {
    setField(result, key, mergeList(list, value, { type: 'any' }, undefined));
  } else setField(result, key, value);
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  items: Schema,
  key: string | undefined,
): unknown[] {
  if (key === undefined) return [...target, ...patch.filter((value) => !target.some((item) => same(item, value)))];
  if (patch.some((item) => isObject(item) && item.$patch === 'replace' && item[key] === undefined)) {
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace' && item[key] === undefined));
  }
  const result = [...target];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const index = result.findIndex((there) => isObject(there) && same(there[key], item[key]));
    if (item.$patch === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = mergeObject(result[index] as JsonObject, item, items);
    else result.push(mergeObject({}, item, items));
  }
  return result;
}

/** Items that the order names take it; others stay before the first item that they stood before. */
function inOrder(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const identity = (item: unknown) => (key !== undefined && isObject(item) ? item[key] : item);
  const rank = (item: unknown) => order.findIndex((o) => same(identity(o), identity(item)));
  const named = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const others = list.filter((item) => rank(item) < 0);
  const result: unknown[] = [];
  for (const item of named) {
    while (others[0] !== undefined && list.indexOf(others[0]) < list.indexOf(item)) result.push(others.shift());
    result.push(item);
  }
  return [...result, ...others];
}

function fieldSchema(schema: Schema, field: string): Schema {
  if (schema.type === 'struct') return schema.fields.get(field)?.schema ?? { type: 'any' };
  return schema.type === 'map' ? schema.values : { type: 'any' };
}

/** Strategic merge knows one key: the first of the list's keys. */
function mergeKey(schema: Schema): string | undefined {
  return schema.type === 'list' ? schema.keys?.[0] : undefined;
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith('$')));
}
