import { addResources, type Resource } from './resources.ts';
import { addRules, type KindRules } from './rules.ts';
import { addDefaults, type FillIn } from './schema/defaults.ts';
import { addStructs } from './schema/structs.ts';
import type { Printer } from './tables/columns.ts';
import { addPrinters } from './tables/table.ts';
import { addFieldsWithoutEffect, type FieldsWithoutEffect } from './without-effect.ts';

/** Kinds that are not Kubernetes' own, such as those of a CNI: all that the API server must know to serve them. */
export interface SchemeExtension {
  /** Their fields, in the schema's own language: see schema/dsl.ts. */
  readonly structs: string;
  readonly resources: readonly Resource[];
  /** Defaults that depend on other fields, by struct. */
  readonly defaults: Readonly<Record<string, FillIn>>;
  /** Keyed by kind. */
  readonly rules: Readonly<Record<string, KindRules>>;
  readonly withoutEffect: Readonly<Record<string, FieldsWithoutEffect>>;
  readonly printers: Readonly<Record<string, Printer>>;
}

/** Makes the API server serve further kinds. It must be called before the server starts; adding the same kinds twice is harmless. */
export function addToScheme(extension: SchemeExtension): void {
  addStructs(extension.structs);
  addResources(extension.resources);
  addDefaults(extension.defaults);
  addRules(extension.rules);
  addFieldsWithoutEffect(extension.withoutEffect);
  addPrinters(extension.printers);
}
