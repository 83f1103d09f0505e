import type { ListSchema, Schema } from '../schema/dsl.ts';
import { isObject, type JsonObject, ownField, setField } from '../schema/json.ts';

/**
 * A field as server-side apply names it: elements as in `FieldsV1` (`f:spec`, `k:{"name":"nc"}`, `v:"x"`), joined by line
 * breaks, which no element holds.
 */
export type FieldPath = string;

export const SEPARATOR = '\n';

/** These belong to the server or identify the object: nobody manages them. */
const UNMANAGED = new Set([
  'f:apiVersion',
  'f:kind',
  ...[
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'managedFields',
    'selfLink',
    'generateName',
  ].map((name) => `f:metadata${SEPARATOR}f:${name}`),
]);

/** Every field that can have an owner, with its value: scalars, atomic values, items of associative lists and sets. */
export function leavesOf(object: JsonObject, schema: Schema): Map<FieldPath, unknown> {
  const leaves = new Map<FieldPath, unknown>();
  walk(object, schema, '');
  return leaves;

  function walk(value: unknown, at: Schema, path: FieldPath): void {
    if (UNMANAGED.has(path) || value === undefined || value === null) return;
    const children = childrenOf(value, at);
    if (!children) {
      leaves.set(path, value);
      return;
    }
    if (children.length === 0 && path) leaves.set(path, value);
    for (const child of children) {
      const below = path ? path + SEPARATOR + child.element : child.element;
      // An item of a list is owned as such, apart from what is in it.
      if (child.element.startsWith('k:')) leaves.set(below, null);
      walk(child.value, child.schema, below);
    }
  }
}

interface Child {
  element: string;
  value: unknown;
  schema: Schema;
}

/** The parts of a value that have owners of their own; undefined where the value is owned as a whole. */
function childrenOf(value: unknown, schema: Schema): Child[] | undefined {
  if (schema.type === 'struct' && !schema.atomic && isObject(value)) {
    return Object.entries(value).map(([name, v]) => ({
      element: `f:${name}`,
      value: v,
      schema: schema.fields.get(name)?.schema ?? { type: 'any' },
    }));
  }
  if (schema.type === 'map' && !schema.atomic && isObject(value)) {
    return Object.entries(value).map(([name, v]) => ({ element: `f:${name}`, value: v, schema: schema.values }));
  }
  if (schema.type === 'list' && schema.keys && Array.isArray(value)) {
    return value.map((item) => ({ element: itemElement(item, schema), value: item, schema: schema.items }));
  }
  return undefined;
}

/** `k:{"containerPort":80,"protocol":"TCP"}`, with defaults for keys that are left out; `v:"x"` in sets. */
export function itemElement(item: unknown, list: ListSchema): string {
  if (!list.keys?.length) return `v:${JSON.stringify(item)}`;
  const fields = list.items.type === 'struct' ? list.items.fields : undefined;
  const keys = [...list.keys]
    .sort()
    .map((key) => [key, (isObject(item) ? ownField(item, key) : undefined) ?? fields?.get(key)?.default]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/** `.spec.containers[name="nc"].image`, as conflicts are worded. */
export function fieldText(path: FieldPath): string {
  return path
    .split(SEPARATOR)
    .map((element) => {
      const body = element.slice(2);
      if (element.startsWith('f:')) return `.${body}`;
      if (element.startsWith('v:')) return `[=${body}]`;
      const keys = Object.entries(JSON.parse(body) as JsonObject);
      return `[${keys.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(',')}]`;
    })
    .join('');
}

/** Writes fields in the form that `managedFields` has. */
export function toFieldsV1(paths: Iterable<FieldPath>): JsonObject {
  const root: JsonObject = {};
  const all = [...paths].sort();
  for (const path of all) {
    let node = root;
    for (const element of path.split(SEPARATOR)) {
      const next = ownField(node, element);
      const below = isObject(next) ? next : {};
      setField(node, element, below);
      node = below;
    }
    // The mark of a field that is owned itself and also has owned fields below.
    node['.'] = {};
  }
  return stripMarks(root);
}

function stripMarks(node: JsonObject): JsonObject {
  const children = Object.entries(node).filter(([element]) => element !== '.');
  if (children.length === 0) return {};
  const below = children.map(([element, child]) => [element, stripMarks(child as JsonObject)]);
  return { ...(Object.hasOwn(node, '.') ? { '.': {} } : {}), ...Object.fromEntries(below) };
}

/** Reads fields from the form that `managedFields` has. A client can write there too: what is no field is passed over. */
export function fromFieldsV1(fields: unknown): Set<FieldPath> {
  const paths = new Set<FieldPath>();
  const walk = (node: JsonObject, path: FieldPath) => {
    const children = Object.entries(node).filter(([element]) => isElement(element));
    if (path && (children.length === 0 || Object.hasOwn(node, '.'))) paths.add(path);
    for (const [element, child] of children) {
      if (isObject(child)) walk(child, path ? path + SEPARATOR + element : element);
    }
  };
  if (isObject(fields)) walk(fields, '');
  return paths;
}

function isElement(text: string): boolean {
  if (text.includes(SEPARATOR)) return false;
  if (text.startsWith('f:')) return true;
  try {
    const body: unknown = JSON.parse(text.slice(2));
    return text.startsWith('v:') || (text.startsWith('k:') && isObject(body));
  } catch {
    return false;
  }
}
