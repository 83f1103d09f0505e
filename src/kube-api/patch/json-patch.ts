import { MAX_DEPTH, measure } from '../schema/depth.ts';
import { isObject, ownField, setField } from '../schema/json.ts';
import { same } from '../store.ts';

/** In characters. */
const MAX_COPIED = 3 * 1024 * 1024;

/** A JSON patch that does not fit the object it is for. */
export class PatchFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatchFailure';
  }
}

interface Patched {
  document: unknown;
  /** Characters that `copy` has copied until now. */
  copied: number;
}

/** Applies a JSON patch (RFC 6902). Returns a new value; throws PatchFailure. */
export function jsonPatch(target: unknown, operations: readonly unknown[]): unknown {
  const holder: Patched = { document: structuredClone(target), copied: 0 };
  for (const operation of operations) {
    if (!isObject(operation) || typeof operation.path !== 'string') throw new PatchFailure('an operation needs a path');
    perform(holder, operation, operation.path);
  }
  return holder.document;
}

function perform(holder: Patched, operation: Record<string, unknown>, path: string): void {
  const { op, from, value } = operation;
  switch (op) {
    case 'add':
      add(holder, path, structuredClone(value));
      break;
    case 'remove':
      remove(holder, path);
      break;
    case 'replace':
      replace(holder, path, structuredClone(value));
      break;
    case 'move':
      add(holder, path, remove(holder, String(from)));
      break;
    case 'copy':
      add(holder, path, copy(holder, read(holder, String(from))));
      break;
    case 'test':
      if (!same(valueOrNull(holder, path), value ?? null)) {
        throw new PatchFailure(`testing value ${path} failed: test failed`);
      }
      break;
    default:
      throw new PatchFailure(`Unexpected kind: ${op}`);
  }
}

/** A few copies of a value into itself double it each time: Kubernetes limits their sum to what a request may carry. */
function copy(holder: Patched, value: unknown): unknown {
  const { depth, size } = measure(value, MAX_COPIED - holder.copied);
  holder.copied += size;
  if (holder.copied > MAX_COPIED || depth > MAX_DEPTH) {
    throw new PatchFailure(
      `Unable to complete the copy, the accumulated size increase of copy is ${holder.copied}, exceeding the limit ${MAX_COPIED}`,
    );
  }
  return structuredClone(value);
}

function tokens(path: string): string[] {
  if (path !== '' && !path.startsWith('/')) throw new PatchFailure(`the path "${path}" does not begin with "/"`);
  const parts = path.split('/').slice(1);
  const names = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (names.includes('__proto__')) throw new PatchFailure(`the path "${path}" is not allowed`);
  return ['document', ...names];
}

/** The container of the last token, and the token. */
function locate(holder: unknown, path: string): { parent: Record<string, unknown> | unknown[]; token: string } {
  const all = tokens(path);
  let parent = holder;
  for (const token of all.slice(0, -1)) {
    parent = Array.isArray(parent)
      ? parent[indexIn(parent, token, 0)]
      : isObject(parent)
        ? ownField(parent, token)
        : undefined;
  }
  if (!isObject(parent) && !Array.isArray(parent)) {
    throw new PatchFailure(`operation does not apply: doc is missing path: "${path}": missing value`);
  }
  return { parent, token: all.at(-1) ?? '' };
}

function indexIn(list: unknown[], token: string, beyond: 0 | 1): number {
  if (token === '-' && beyond === 1) return list.length;
  const index = /^(0|[1-9]\d*)$/.test(token) ? Number(token) : -1;
  if (index < 0 || index >= list.length + beyond) throw new PatchFailure(`index "${token}" is outside the list`);
  return index;
}

function read(holder: unknown, path: string): unknown {
  const { parent, token } = locate(holder, path);
  if (Array.isArray(parent)) return parent[indexIn(parent, token, 0)];
  if (!Object.hasOwn(parent, token)) throw missing(path);
  return parent[token];
}

function valueOrNull(holder: unknown, path: string): unknown {
  const { parent, token } = locate(holder, path);
  if (Array.isArray(parent)) return parent[indexIn(parent, token, 0)];
  return ownField(parent, token) ?? null;
}

function add(holder: unknown, path: string, value: unknown): void {
  const { parent, token } = locate(holder, path);
  if (Array.isArray(parent)) parent.splice(indexIn(parent, token, 1), 0, value);
  else setField(parent, token, value);
}

function replace(holder: unknown, path: string, value: unknown): void {
  read(holder, path);
  const { parent, token } = locate(holder, path);
  if (Array.isArray(parent)) parent[indexIn(parent, token, 0)] = value;
  else setField(parent, token, value);
}

function remove(holder: unknown, path: string): unknown {
  const value = read(holder, path);
  const { parent, token } = locate(holder, path);
  if (Array.isArray(parent)) parent.splice(indexIn(parent, token, 0), 1);
  else delete parent[token];
  return value;
}

function missing(path: string): PatchFailure {
  return new PatchFailure(`remove operation does not apply: doc is missing key: ${path}: missing value`);
}
