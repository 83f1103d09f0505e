/**
 * The deepest nesting of a body and of an object. Kubernetes stops at 10,000 levels; here every object is also copied,
 * compared and printed by functions that call themselves, for which the stack suffices to about 3,000.
 */
export const MAX_DEPTH = 500;

/** Finds the bracket of a JSON text that nests deeper than MAX_DEPTH; undefined if there is none. */
export function bracketTooDeep(text: string): string | undefined {
  if (text.length <= MAX_DEPTH) return undefined;
  let depth = 0;
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match;
    if (token === '{' || token === '[') {
      depth += 1;
      if (depth > MAX_DEPTH) return token;
    } else if (token === '}' || token === ']') {
      depth -= 1;
    }
  }
  return undefined;
}

/**
 * Measures a value without calling itself: how deep it nests, and roughly how many characters it has as JSON. Stops once
 * it is past either limit.
 */
export function measure(value: unknown, largest = Number.POSITIVE_INFINITY): { depth: number; size: number } {
  let deepest = 0;
  let size = 0;
  const open: [unknown, number][] = [[value, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [item, depth] = next;
    if (typeof item !== 'object' || item === null) {
      size += typeof item === 'string' ? item.length + 2 : 4;
    } else {
      deepest = Math.max(deepest, depth);
      for (const [key, child] of Object.entries(item)) {
        size += Array.isArray(item) ? 1 : key.length + 4;
        open.push([child, depth + 1]);
      }
      size += 2;
    }
    if (deepest > MAX_DEPTH || size > largest) break;
  }
  return { depth: deepest, size };
}
