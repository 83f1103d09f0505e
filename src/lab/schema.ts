import * as z from 'zod/mini';
import type { Path, SourceDocument } from './document.ts';
import { inputFailure, type Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

/**
 * Returns the document's value if it is as the schema says. Throws a usage failure with the place of everything that is not; `root`
 * is how its messages call a document that is not a whole file.
 */
export function check<T extends z.ZodMiniType>(document: SourceDocument, schema: T, root = ''): z.output<T> {
  const result = schema.safeParse(document.value);
  if (result.success) return result.data;
  throw inputFailure(result.error.issues.flatMap((issue) => problemsOf(document, schema, root, issue)));
}

/** Keys that the file's own tool knows, and that say nothing to wglab: any value will do. */
export function ignored<K extends string>(...keys: K[]): Record<K, z.ZodMiniOptional<z.ZodMiniUnknown>> {
  return Object.fromEntries(keys.map((key) => [key, z.optional(z.unknown())])) as Record<
    K,
    z.ZodMiniOptional<z.ZodMiniUnknown>
  >;
}

/** A problem at a path of a document. */
export function problemAt(document: SourceDocument, path: Path, message: string, remedy?: string): Problem {
  return { place: document.placeOf(path), message, ...(remedy !== undefined && { remedy }) };
}

/** Returns a path as people write it: `spec.ipPools[0].cidr`. */
export function showPath(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

function problemsOf(document: SourceDocument, schema: z.ZodMiniType, root: string, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const what = path.length === 0 ? root || 'this file' : root + showPath(path);
  const problem = (message: string): Problem[] => [problemAt(document, path, message)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        place: document.placeOfKey([...path, key]),
        message: `unknown key "${key}"${path.length === 0 ? '' : ` in ${what}`}${didYouMean(key, keysAt(schema, path))}`,
      }));
    case 'invalid_type':
    case 'invalid_value': {
      if (!document.has(path)) {
        const above = path.slice(0, -1);
        const where = above.length === 0 ? '' : ` in ${root}${showPath(above)}`;
        return [{ place: document.placeOfKey(above), message: `the key "${path.at(-1)}" is missing${where}` }];
      }
      const found = valueAt(document.value, path);
      if (issue.code === 'invalid_type')
        return problem(`${what} must be ${typeName(issue.expected)}, not ${nameOf(found)}`);
      const values = issue.values.map((value) => JSON.stringify(value));
      const meant = didYouMean(String(found), issue.values.map(String));
      return problem(`${what} must be ${values.join(' or ')}, not ${nameOf(found)}${meant}`);
    }
    default:
      return problem(`${what} ${issue.message}`);
  }
}

/** Returns the keys that a schema knows for the map at `path`. */
function keysAt(schema: z.ZodMiniType, path: Path): string[] {
  let here: unknown = schema;
  for (const step of path) here = childOf(bare(here), step);
  const inner = bare(here);
  return inner instanceof z.ZodMiniObject ? Object.keys(inner.def.shape) : [];
}

function childOf(schema: unknown, step: string | number): unknown {
  if (schema instanceof z.ZodMiniObject) return schema.def.shape[step];
  if (schema instanceof z.ZodMiniArray) return schema.def.element;
  if (schema instanceof z.ZodMiniRecord) return schema.def.valueType;
  return undefined;
}

function bare(schema: unknown): unknown {
  return schema instanceof z.ZodMiniOptional ||
    schema instanceof z.ZodMiniNullable ||
    schema instanceof z.ZodMiniDefault
    ? bare(schema.def.innerType)
    : schema;
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) here = (here as Record<string | number, unknown>)[step];
  return here;
}

function typeName(expected: string): string {
  const names: Record<string, string> = {
    object: 'a map',
    record: 'a map',
    array: 'a list',
    string: 'text',
    boolean: 'true or false',
    number: 'a number',
    int: 'a whole number',
  };
  return names[expected] ?? expected;
}

/** Describes a value in words, or returns the value itself if it is short. */
function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const written = JSON.stringify(value);
  return written.length <= 60 ? written : `${written.slice(0, 57)}…`;
}
