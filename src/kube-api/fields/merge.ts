import type { ListSchema, Schema } from '../schema/dsl.ts';
import { isObject, type JsonObject, ownField, setField } from '../schema/json.ts';
import { type FieldPath, itemElement, SEPARATOR } from './leaves.ts';

/** Merges what is applied into what is there, by the schema: structs and maps by field, associative lists by key, sets by value. */
export function mergeApplied(live: unknown, applied: unknown, schema: Schema): unknown {
  if (isGranular(schema) && isObject(applied) && isObject(live)) {
    const result = { ...live };
    for (const [name, value] of Object.entries(applied)) {
      setField(result, name, mergeApplied(ownField(live, name), value, below(schema, name)));
    }
    return result;
  }
  if (schema.type === 'list' && schema.keys && Array.isArray(applied) && Array.isArray(live)) {
    return mergeItems(live, applied, schema);
  }
  return applied;
}

function mergeItems(live: unknown[], applied: unknown[], list: ListSchema): unknown[] {
  const result = [...live];
  for (const item of applied) {
    const element = itemElement(item, list);
    const index = result.findIndex((there) => itemElement(there, list) === element);
    if (index < 0) result.push(item);
    else result[index] = mergeApplied(result[index], item, list.items);
  }
  return result;
}

/** The value without one field; objects and lists that this leaves empty go too. */
export function withoutField(value: unknown, path: FieldPath, schema: Schema): unknown {
  const [element = '', ...rest] = path.split(SEPARATOR);
  const last = rest.length === 0;
  if (isObject(value) && element.startsWith('f:')) {
    const name = element.slice(2);
    if (!Object.hasOwn(value, name)) return value;
    const result: JsonObject = { ...value };
    const left = last ? undefined : withoutField(value[name], rest.join(SEPARATOR), below(schema, name));
    if (left === undefined) delete result[name];
    else setField(result, name, left);
    return Object.keys(result).length > 0 ? result : undefined;
  }
  if (Array.isArray(value) && schema.type === 'list') {
    const items = value.flatMap((item) => {
      if (itemElement(item, schema) !== element) return [item];
      const left = last ? undefined : withoutField(item, rest.join(SEPARATOR), schema.items);
      return left === undefined ? [] : [left];
    });
    return items.length > 0 ? items : undefined;
  }
  return value;
}

function isGranular(schema: Schema): boolean {
  return (schema.type === 'struct' || schema.type === 'map') && !schema.atomic;
}

function below(schema: Schema, name: string): Schema {
  if (schema.type === 'struct') return schema.fields.get(name)?.schema ?? { type: 'any' };
  return schema.type === 'map' ? schema.values : { type: 'any' };
}
