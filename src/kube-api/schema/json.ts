/** Any JSON object. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a field of an object; undefined for what it does not have itself, such as `constructor`. */
export function ownField(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Sets a field whose name a client chose: an assignment to `__proto__` or `constructor` would not make a field. */
export function setField(object: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Returns the object at a field, or an empty one: for nested fields that may be missing. */
export function objectAt(value: unknown, ...path: string[]): JsonObject {
  let at: unknown = value;
  for (const name of path) at = isObject(at) ? ownField(at, name) : undefined;
  return isObject(at) ? at : {};
}

export function listAt(value: unknown, ...path: string[]): JsonObject[] {
  const parent = objectAt(value, ...path.slice(0, -1));
  const list = ownField(parent, path.at(-1) ?? '');
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/**
 * The fields that a JSON text names twice, as paths (`spec.replicas`): JSON.parse keeps the last silently. The text must
 * already have been accepted by JSON.parse.
 */
export function duplicateFields(text: string): string[] {
  const duplicates: string[] = [];
  const frames: { keys: Set<string> | undefined; path: string; index: number; key: string }[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  let last = '';
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const token = match[0];
    const frame = frames.at(-1);
    if (token === '{' || token === '[') {
      frames.push({
        keys: token === '{' ? new Set() : undefined,
        path: frame ? childPath(frame) : '',
        index: 0,
        key: '',
      });
    } else if (token === '}' || token === ']') {
      frames.pop();
    } else if (token === ',' && frame) {
      frame.index += 1;
    } else if (token === ':' && frame?.keys) {
      frame.key = String(JSON.parse(last));
      if (frame.keys.has(frame.key)) duplicates.push(childPath(frame));
      frame.keys.add(frame.key);
    }
    last = token;
  }
  return duplicates;
}

function childPath(frame: { keys: Set<string> | undefined; path: string; index: number; key: string }): string {
  if (!frame.keys) return `${frame.path}[${frame.index}]`;
  return frame.path ? `${frame.path}.${frame.key}` : frame.key;
}
