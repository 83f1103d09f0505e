import type { KubeObject } from '../../kube/object.ts';
import type { Call } from '../context.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import { same } from '../store.ts';
import { type FieldPath, fromFieldsV1, leavesOf, SEPARATOR, toFieldsV1 } from './leaves.ts';

/** A manager, its fields, and since when it has them: an entry of `metadata.managedFields`. */
export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
  time: string;
  fields: Set<FieldPath>;
}

/**
 * Records, in `after`, that the client of this call manages the fields which it changed; whoever managed them before does
 * not any more. A change of nothing leaves the record as it was.
 */
export function trackUpdate(before: KubeObject | undefined, after: KubeObject, call: Call): void {
  const managers = readManagers(after.metadata.managedFields ?? before?.metadata.managedFields);
  const was = before ? scopedLeaves(before, call) : new Map<FieldPath, unknown>();
  const is = scopedLeaves(after, call);
  const changed = [...is]
    .filter(([path, value]) => !was.has(path) || !same(was.get(path), value))
    .map(([path]) => path);
  const removed = [...was.keys()].filter((path) => !is.has(path));
  if (changed.length > 0 || removed.length > 0) {
    for (const entry of managers) for (const path of [...changed, ...removed]) entry.fields.delete(path);
    if (changed.length > 0) {
      const own = entryOf(managers, managerName(call), 'Update', call);
      for (const path of changed) own.fields.add(path);
      own.time = timestamp();
    }
  }
  writeManagers(after, managers);
}

/** The entry of a manager, new where it has none. */
export function entryOf(managers: Manager[], manager: string, operation: Manager['operation'], call: Call): Manager {
  const { apiVersion } = call.resource;
  const subresource = call.subresource ?? '';
  const found = managers.find(
    (m) =>
      m.manager === manager &&
      m.operation === operation &&
      m.apiVersion === apiVersion &&
      m.subresource === subresource,
  );
  if (found) return found;
  const entry = { manager, operation, apiVersion, subresource, time: timestamp(), fields: new Set<FieldPath>() };
  managers.push(entry);
  return entry;
}

/** The fields that a call can change: the status, or all but the status. */
export function scopedLeaves(object: JsonObject, call: Call): Map<FieldPath, unknown> {
  const leaves = leavesOf(object, call.resource.schema);
  if (!call.resource.subresources.includes('status')) return leaves;
  const wanted = call.subresource === 'status';
  for (const path of leaves.keys()) {
    const isStatus = path === 'f:status' || path.startsWith(`f:status${SEPARATOR}`);
    if (isStatus !== wanted) leaves.delete(path);
  }
  return leaves;
}

/** `fieldManager`, or the program's name from the user agent. */
export function managerName(call: Call): string {
  const agent = call.request.headers['user-agent'] ?? '';
  return call.query.get('fieldManager') || agent.split('/')[0] || 'unknown';
}

export function readManagers(list: unknown): Manager[] {
  return (Array.isArray(list) ? list : []).filter(isObject).flatMap((entry) => {
    if (typeof entry.manager !== 'string') return [];
    return [
      {
        manager: entry.manager,
        operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
        apiVersion: String(entry.apiVersion ?? ''),
        subresource: String(entry.subresource ?? ''),
        time: String(entry.time ?? timestamp()),
        fields: fromFieldsV1(entry.fieldsV1),
      },
    ];
  });
}

export function writeManagers(object: KubeObject, managers: readonly Manager[]): void {
  const entries = managers
    .filter((m) => m.fields.size > 0)
    .map((m) => ({
      manager: m.manager,
      operation: m.operation,
      apiVersion: m.apiVersion,
      time: m.time,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(m.fields),
      ...(m.subresource ? { subresource: m.subresource } : {}),
    }));
  if (entries.length > 0) object.metadata.managedFields = entries;
  else delete object.metadata.managedFields;
}

export function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
