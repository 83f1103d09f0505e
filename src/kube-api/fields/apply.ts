import { type Call, present, type Reply } from '../context.ts';
import { decodeObject } from '../decode-request.ts';
import { decode } from '../schema/decode.ts';
import { duplicateFields, isObject, type JsonObject } from '../schema/json.ts';
import { required } from '../schema/validate.ts';
import { ApiError, badRequest, invalid, type StatusCause } from '../status.ts';
import { same } from '../store.ts';
import { addNew, prepareNew, replace, save } from '../verbs/write.ts';
import { type FieldPath, fieldText, SEPARATOR } from './leaves.ts';
import { entryOf, type Manager, readManagers, scopedLeaves, timestamp, writeManagers } from './managers.ts';
import { mergeApplied, withoutField } from './merge.ts';

/**
 * Server-side apply: the object gets what the configuration says, loses what this manager applied before and does not
 * now, and the manager owns exactly what it applied. Throws 409 where somebody else owns a field that would change,
 * unless `force` is set; creates the object where there is none.
 */
export function applyObject({ object: configuration, text }: { object: JsonObject; text: string }, call: Call): Reply {
  const { api, resource, namespace, name = '', query } = call;
  const manager = query.get('fieldManager');
  if (!manager) {
    const options = { group: 'meta.k8s.io', kind: 'PatchOptions' };
    throw invalid(options, '', [required('fieldManager', 'is required for apply patch')]);
  }
  const applied = readConfiguration(configuration, text, call);
  const current = api.store.get(resource.kind, namespace, name);
  if (!current && call.subresource) throw new ApiError(404, 'NotFound', `${resource.plural} "${name}" not found`);
  const live = current && present(current, resource);
  const managers = readManagers(current?.metadata.managedFields);
  const own = entryOf(managers, manager, 'Apply', call);
  const others = managers.filter((m) => m !== own);
  const appliedLeaves = scopedLeaves(applied, call);
  const liveLeaves = live ? scopedLeaves(live, call) : new Map<FieldPath, unknown>();

  const conflicts = conflictsWith(others, appliedLeaves, liveLeaves);
  if (conflicts.length > 0 && query.get('force') !== 'true') throw applyConflict(conflicts);
  for (const conflict of conflicts) conflict.manager.fields.delete(conflict.path);

  let merged: unknown = live ? mergeApplied(live, applied, resource.schema) : applied;
  for (const path of dropped(own.fields, appliedLeaves, others)) merged = withoutField(merged, path, resource.schema);
  if (!isObject(merged)) throw badRequest('the configuration leaves no object');
  const wanted = decodeObject(merged, '', call);
  wanted.metadata.name = name;

  const before = [...own.fields].sort();
  own.fields = new Set(appliedLeaves.keys());
  if (!current) {
    const created = prepareNew(wanted, call);
    writeManagers(created, managers);
    return { code: 201, body: present(addNew(created, call), resource) };
  }
  const updated = replace(current, wanted, call);
  const left = new Set(scopedLeaves(updated, call).keys());
  for (const other of others) {
    for (const path of other.fields) if (liveLeaves.has(path) && !left.has(path)) other.fields.delete(path);
  }
  if (!same(before, [...own.fields].sort())) own.time = timestamp();
  writeManagers(updated, managers);
  return { code: 200, body: present(save(current, updated, call), resource) };
}

/** The configuration as it came, without defaults: only what it names is owned. */
function readConfiguration(configuration: JsonObject, text: string, call: Call): JsonObject {
  const { resource, namespace, name = '' } = call;
  const { apiVersion, kind, metadata } = configuration;
  if (apiVersion !== resource.apiVersion || kind !== resource.kind) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, ${kind}, expected: ${resource.apiVersion}, ${resource.kind}`,
    );
  }
  const { name: named, namespace: inBody, managedFields } = isObject(metadata) ? metadata : {};
  if (named !== undefined && named !== name) {
    throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`);
  }
  if (inBody !== undefined && namespace !== undefined && inBody !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (Array.isArray(managedFields) && managedFields.length > 0) throw badRequest('metadata.managedFields must be nil');
  const { value, unknownFields, wrongTypes } = decode(configuration, resource.schema);
  const [unknown] = unknownFields;
  const [wrong] = wrongTypes;
  const which = `(${[namespace, name].filter(Boolean).join('/')}; ${apiVersion}, Kind=${kind})`;
  if (unknown || wrong) {
    const why = unknown
      ? `.${unknown}: field not declared in schema`
      : `.${wrong?.field}: expected ${wrong?.expected}, got &value.valueUnstructured (${wrong?.actual})`;
    throw new ApiError(500, '', `failed to create typed patch object ${which}: ${why}`);
  }
  const duplicates = duplicateFields(text);
  if (duplicates.length > 0 && call.query.get('fieldValidation') === 'Strict') {
    throw badRequest(
      `error strict decoding YAML: ${duplicates.map((field) => `duplicate field "${field}"`).join(', ')}`,
    );
  }
  return value;
}

interface Conflict {
  manager: Manager;
  path: FieldPath;
}

function conflictsWith(
  others: readonly Manager[],
  applied: Map<FieldPath, unknown>,
  live: Map<FieldPath, unknown>,
): Conflict[] {
  return others.flatMap((manager) =>
    [...manager.fields]
      .filter((path) => applied.has(path) && live.has(path) && !same(applied.get(path), live.get(path)))
      .map((path) => ({ manager, path })),
  );
}

function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const causes: StatusCause[] = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${describe(manager)}`,
    field: fieldText(path),
  }));
  const groups = new Map<string, string[]>();
  for (const { manager, path } of conflicts) {
    const who = describe(manager);
    groups.set(who, [...(groups.get(who) ?? []), fieldText(path)]);
  }
  const words = [...groups].map(([who, fields]) =>
    fields.length === 1
      ? `conflict with ${who}: ${fields[0]}`
      : `conflicts with ${who}:\n${fields.map((f) => `- ${f}`).join('\n')}`,
  );
  const count = `${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}`;
  return new ApiError(409, 'Conflict', `Apply failed with ${count}: ${words.join('\n')}`, { causes });
}

function describe({ manager, operation, subresource, apiVersion, time }: Manager): string {
  const below = subresource ? ` with subresource "${subresource}"` : '';
  return `"${manager}"${below} using ${apiVersion}${operation === 'Update' ? ` at ${time}` : ''}`;
}

/** Returns the fields that this manager applied before and does not now, unless somebody else owns it or anything in it. */
function dropped(before: Set<FieldPath>, now: Map<FieldPath, unknown>, others: readonly Manager[]): FieldPath[] {
  const owned = others.flatMap((m) => [...m.fields]);
  const gone = [...before].filter((path) => !now.has(path));
  // The longest first: an item of a list can no longer be found once its keys are gone, so its keys stay until it goes.
  return gone
    .filter((path) => !owned.some((other) => other === path || other.startsWith(path + SEPARATOR)))
    .filter((path) => !gone.some((item) => isItem(item) && path.startsWith(item + SEPARATOR)))
    .filter((path) => ![...now.keys()].some((kept) => kept.startsWith(path + SEPARATOR)));
}

function isItem(path: FieldPath): boolean {
  return path.slice(path.lastIndexOf(SEPARATOR) + 1).startsWith('k:');
}
