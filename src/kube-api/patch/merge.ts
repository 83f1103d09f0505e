import { isObject, ownField, setField } from '../schema/json.ts';

/** Applies a JSON merge patch (RFC 7386): objects merge, null removes, all else replaces. Returns a new value. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setField(result, key, mergePatch(ownField(result, key), value));
  }
  return result;
}
