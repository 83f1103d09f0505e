import { CALICO } from '../../cni/calico/kinds.ts';
import { CORE } from './core.ts';
import { readStructs, type StructSchema } from './dsl.ts';
import { META } from './meta.ts';
import { PODS } from './pods.ts';

const STRUCTS = readStructs(META, PODS, CORE, CALICO);

/** The schema of a struct or kind. Throws where there is none of that name. */
export function structOf(name: string): StructSchema {
  const struct = STRUCTS.get(name);
  if (!struct) throw new Error(`schema: there is no struct "${name}"`);
  return struct;
}
