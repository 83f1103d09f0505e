import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { readInputFile } from './input-file.ts';
import { tooDeep } from './nesting.ts';
import { inputFailure, type Place, type Problem } from './problem.ts';

/** A place in a document: map keys and list indexes, from the top. */
export type Path = readonly (string | number)[];

/** One YAML document: its values and their places. */
export interface SourceDocument {
  readonly file: string;
  /** Plain JSON: the maps, lists, strings, finite numbers, booleans and nulls of the document. */
  readonly value: unknown;
  /** Returns the place of the value at `path`; if there is none, of the nearest one above it. */
  placeOf(path: Path): Place;
  /** Returns the place of the key that leads to the value at `path`; for a list's item, of the item. */
  placeOfKey(path: Path): Place;
  has(path: Path): boolean;
}

/** Reads all documents of a YAML file that are not empty. Throws a usage failure that lists everything that is wrong with it. */
export async function readDocuments(file: string): Promise<SourceDocument[]> {
  return parseDocuments(await readInputFile(file), file);
}

/** Reads the one document of a YAML file. Throws a usage failure, also if there are none or several. */
export async function readDocument(file: string): Promise<SourceDocument> {
  return onlyDocument(await readDocuments(file), file);
}

export function onlyDocument(documents: readonly SourceDocument[], file: string): SourceDocument {
  const [document, second] = documents;
  if (!document) throw inputFailure([{ place: { file, line: 1, column: 1 }, message: 'this file is empty' }]);
  if (second) {
    throw inputFailure([{ place: second.placeOf([]), message: 'a second document; this file should hold one' }]);
  }
  return document;
}

/** Does the same as `readDocuments` for a text; `file` is the name in places. */
export function parseDocuments(text: string, file: string): SourceDocument[] {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = tooDeep(tokens, tokensIn);
  if (deep) throw inputFailure([{ place: placeAt(deep.offset), message: TOO_DEEP }]);
  const documents = [...new Composer({ prettyErrors: false, merge: true, uniqueKeys: false }).compose(tokens)];
  const problems = documents.flatMap((document) => problemsOf(document, placeAt));
  if (problems.length > 0) throw inputFailure(problems);
  return documents
    .filter((document) => !saysNothing(document))
    .map((document) => sourceDocument(document, file, placeAt));
}

const TOO_DEEP = 'this is nested too deeply';

/** Returns whether a YAML text is nested so deep that no parser should be given it: it could end the whole process. */
export function isTooDeep(text: string): boolean {
  return tooDeep([...new Parser().parse(text)], tokensIn) !== undefined;
}

function tokensIn(token: CST.Token): CST.Token[] {
  const items: readonly CST.CollectionItem[] = 'items' in token ? token.items : [];
  const value = token.type === 'document' ? token.value : undefined;
  return [value, ...items.flatMap((item) => [item.key, item.value])].filter(
    (child) => child !== undefined && child !== null,
  );
}

function sourceDocument(document: Document, file: string, placeAt: (offset: number) => Place): SourceDocument {
  const place = (node: unknown) => placeAt(startOf(node) ?? startOf(document.contents) ?? 0);
  return {
    file,
    value: plainValue(document, place(undefined)),
    placeOf: (path) => place(walk(document, path).reached),
    placeOfKey: (path) => place(walk(document, path).key),
    has: (path) => walk(document, path).whole,
  };
}

function plainValue(document: Document, place: Place): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const deep = tooDeep([value], (node) => (typeof node === 'object' && node !== null ? Object.values(node) : []));
    if (deep === undefined) return value;
  } catch (error) {
    // More aliases were followed than the limit above allows.
    if (!(error instanceof ReferenceError)) throw error;
  }
  throw inputFailure([{ place, message: 'the aliases (*name) in this file stand for too much' }]);
}

/** Returns the deepest node that exists on a path, and the key that led to it. */
function walk(document: Document, path: Path): { reached: unknown; key: unknown; whole: boolean } {
  let reached: unknown = document.contents;
  let key: unknown = document.contents;
  for (const step of path) {
    const node: unknown = isAlias(reached) ? reached.resolve(document) : reached;
    const pair = isMap(node) ? node.items.find((item) => keyText(item) === String(step)) : undefined;
    const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
    if (pair) {
      key = pair.key;
      reached = pair.value ?? pair.key;
    } else if (item !== undefined) {
      key = item;
      reached = item;
    } else {
      return { reached, key, whole: false };
    }
  }
  return { reached, key, whole: true };
}

function startOf(node: unknown): number | undefined {
  return typeof node === 'object' && node !== null && 'range' in node ? (node as Node).range?.[0] : undefined;
}

function saysNothing(document: Document): boolean {
  return document.contents === null || (isScalar(document.contents) && document.contents.value === null);
}

/** Finds mistakes that no reader of these files may overlook, in any kind of file. */
function problemsOf(document: Document, placeAt: (offset: number) => Place): Problem[] {
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    place: placeAt(error.pos[0]),
    message: syntaxMessage(error),
  }));
  const anchors = new Set<string>();
  const report = (node: unknown, message: string) => problems.push({ place: placeAt(startOf(node) ?? 0), message });
  visit(document, {
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node)) reportKeys(node, document, placeAt, report);
      if (isScalar(node)) reportScalar(node, report);
    },
    Alias: (_, alias, above) => {
      if (!anchors.has(alias.source)) report(alias, `there is no anchor &${alias.source} before this`);
      if (above.some((node) => isCollection(node) && node.anchor === alias.source)) {
        report(alias, `*${alias.source} is inside of what it stands for`);
      }
    },
  });
  return problems;
}

function syntaxMessage(error: YAMLError): string {
  if (error.code === 'TAB_AS_INDENT') return 'a tab; YAML is indented with spaces';
  return error.message.charAt(0).toLowerCase() + error.message.slice(1).split('\n', 1)[0];
}

function reportKeys(
  map: YAMLMap,
  document: Document,
  placeAt: (offset: number) => Place,
  report: (node: unknown, message: string) => void,
): void {
  const first = new Map<string, unknown>();
  for (const pair of map.items) {
    const key = keyText(pair);
    if (isMergeKey(pair)) {
      if (!isMergeable(pair.value, document)) report(pair.value ?? pair.key, '<< must name a map, or a list of maps');
    } else if (key === undefined || key === '__proto__') {
      report(pair.key, 'a key must be text; write it in quotes if it is meant so');
    } else if (first.has(key)) {
      report(
        pair.key,
        `the key "${key}" is here twice; it is also in line ${placeAt(startOf(first.get(key)) ?? 0).line}`,
      );
    } else {
      first.set(key, pair.key);
    }
  }
}

function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : undefined;
}

/** With `merge: true` the parser reads an unquoted << as a symbol. */
function isMergeKey(pair: Pair): boolean {
  return isScalar(pair.key) && typeof pair.key.value === 'symbol';
}

function isMergeable(value: unknown, document: Document): boolean {
  const node: unknown = isAlias(value) ? value.resolve(document) : value;
  return (
    isMap(node) || (isSeq(node) && node.items.every((item) => isMap(isAlias(item) ? item.resolve(document) : item)))
  );
}

/** Finds values that kubectl, kind and containerlab read as a boolean or as another number than YAML 1.2 does: their parsers follow YAML 1.1. */
const READ_DIFFERENTLY = /^(y|yes|n|no|on|off|[-+]?0[0-9_]+|[-+]?[1-9][0-9]*_[0-9_]*|[-+]?0b[01_]+)$/i;

function reportScalar(scalar: Scalar, report: (node: unknown, message: string) => void): void {
  const written = scalar.source ?? '';
  if (scalar.type === 'PLAIN' && READ_DIFFERENTLY.test(written)) {
    report(
      scalar,
      `${written} means different things to different tools; write it in quotes, or as true, false or a plain number`,
    );
  } else if (typeof scalar.value === 'number' && !Number.isFinite(scalar.value)) {
    report(scalar, `${written} is not a number that these tools know`);
  }
}
