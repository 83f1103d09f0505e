import { CORE } from './core.ts';
import { readStructs, type StructSchema } from './dsl.ts';
import { META } from './meta.ts';
import { PODS } from './pods.ts';

const texts = [META, PODS, CORE];
let structs: ReadonlyMap<string, StructSchema> | undefined;

/** Adds structs that the text describes in the schema's own language. A text that is there already is not read twice. */
export function addStructs(text: string): void {
  if (texts.includes(text)) return;
  texts.push(text);
  structs = undefined;
}

/** Returns the schema of a struct or kind. Throws if there is none of that name. */
export function structOf(name: string): StructSchema {
  structs ??= readStructs(...texts);
  const struct = structs.get(name);
  if (!struct) throw new Error(`schema: there is no struct "${name}"`);
  return struct;
}
