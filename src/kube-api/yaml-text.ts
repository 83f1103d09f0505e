import { parse } from 'yaml';
import { messageOf } from '../errors.ts';
import { JsonError } from './json-text.ts';
import { MAX_DEPTH, measure } from './schema/depth.ts';

/** As many aliases as any manifest needs. */
const MAX_ALIASES = 100;

/**
 * Turns YAML into the JSON text of the same value, as Kubernetes does before it reads anything. Throws JsonError if it is
 * malformed, nested too deep, or longer than `largest` once its aliases are replaced by what they stand for.
 */
export function yamlToJson(text: string, largest: number): string {
  const value = parseYaml(text);
  const { depth, size } = measure(value, largest);
  if (depth > MAX_DEPTH) throw new JsonError('exceeded max depth');
  if (size > largest) throw new JsonError('document contains excessive aliasing');
  return JSON.stringify(value) ?? 'null';
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // The parser calls itself for each level.
    if (error instanceof RangeError) throw new JsonError('exceeded max depth');
    if (error instanceof ReferenceError) throw new JsonError('document contains excessive aliasing');
    throw new JsonError(messageOf(error), true);
  }
}
