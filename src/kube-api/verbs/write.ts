import { randomBytes, randomUUID } from 'node:crypto';
import type { KubeObject } from '../../kube/object.ts';
import { readObject } from '../body.ts';
import { type Call, isDryRun, present, type Reply } from '../context.ts';
import { decodeObject } from '../decode-request.ts';
import { trackUpdate } from '../fields/managers.ts';
import type { Resource } from '../resources.ts';
import { validate } from '../rules.ts';
import { isObject } from '../schema/json.ts';
import { badRequest, conflict, forbidden, fromStoreError, invalid, notFound } from '../status.ts';
import { StoreError } from '../store.ts';
import { effectWarnings } from '../without-effect.ts';
import { currentObject } from './read.ts';

const NAMESPACES = { group: '', plural: 'namespaces', kind: 'Namespace' };

export async function createObject(call: Call): Promise<Reply> {
  const { text, object } = await readObject(call.request, call.resource.kind);
  const created = prepareNew(decodeObject(object, text, call), call);
  trackUpdate(undefined, created, call);
  return { code: 201, body: present(addNew(created, call), call.resource) };
}

/** Sets what the server itself decides about a new object. Throws 400, 403, 404, 422. */
export function prepareNew(object: KubeObject, call: Call): KubeObject {
  const { resource } = call;
  const { metadata } = object;
  const namespace = namespaceOf(object, call);
  if (!metadata.name && metadata.generateName) metadata.name = `${metadata.generateName}${randomSuffix()}`;
  for (const field of ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'selfLink', 'managedFields']) {
    delete metadata[field];
  }
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (namespace !== undefined) metadata.namespace = namespace;
  delete object.status;
  admit(object);
  const causes = validate(object, resource);
  if (causes.length > 0) throw invalid(resource, metadata.name, causes);
  checkNamespace(namespace, metadata.name, call);
  call.warnings.push(...effectWarnings(call.api.store, object));
  return object;
}

export function addNew(object: KubeObject, call: Call): KubeObject {
  if (isDryRun(call.query)) {
    if (call.api.store.get(object.kind, object.metadata.namespace, object.metadata.name)) {
      throw fromStoreError(new StoreError('AlreadyExists', ''), call.resource, object.metadata.name);
    }
    const creationTimestamp = `${new Date().toISOString().slice(0, 19)}Z`;
    return { ...object, metadata: { ...object.metadata, creationTimestamp, uid: randomUUID() } };
  }
  return stored(() => call.api.store.create(object), call.resource, object.metadata.name);
}

export async function updateObject(call: Call): Promise<Reply> {
  const { text, object } = await readObject(call.request, call.resource.kind);
  const { resource, name = '' } = call;
  const updated = decodeObject(object, text, call);
  if (updated.metadata.name && updated.metadata.name !== name) {
    throw badRequest(`the name of the object (${updated.metadata.name}) does not match the name on the URL (${name})`);
  }
  const current = currentObject(call);
  updated.metadata.name = name;
  const body = replace(current, updated, call);
  trackUpdate(current, body, call);
  return { code: 200, body: present(save(current, body, call), resource) };
}

/**
 * The object that takes the place of `current`: server-owned metadata stays; a call to the main resource cannot change
 * the status, one to `status` nothing else. Throws 409 for an old resource version, 422 for what may not be so.
 */
export function replace(current: KubeObject, wanted: KubeObject, call: Call): KubeObject {
  const { resource, subresource } = call;
  const name = current.metadata.name;
  const version = wanted.metadata.resourceVersion;
  if (version && version !== current.metadata.resourceVersion) {
    const message = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(resource, name, message);
  }
  if (wanted.metadata.uid && wanted.metadata.uid !== current.metadata.uid) {
    const message = `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${current.metadata.uid}`;
    throw conflict(resource, name, message);
  }
  namespaceOf(wanted, call);
  if (subresource === 'status') return { ...structuredClone(current), status: structuredClone(wanted.status ?? {}) };
  const keptStatus =
    resource.subresources.includes('status') || current.status !== undefined ? current.status : wanted.status;
  const { status: _, ...rest } = structuredClone(wanted);
  const result: KubeObject = { ...rest, ...(keptStatus === undefined ? {} : { status: keptStatus }) };
  result.metadata = { ...result.metadata, ...serverOwned(current) };
  const causes = validate(result, resource, current);
  if (causes.length > 0) throw invalid(resource, name, causes);
  call.warnings.push(...effectWarnings(call.api.store, result, current));
  return result;
}

/** Writes a changed object; one that waited for its last finalizer goes away now. */
export function save(current: KubeObject, object: KubeObject, call: Call): KubeObject {
  if (isDryRun(call.query)) return object;
  const { store } = call.api;
  const { namespace, name } = object.metadata;
  return stored(
    () => {
      const updated = store.update(object);
      const waited = (current.metadata.finalizers as unknown[] | undefined)?.length;
      const done = !(updated.metadata.finalizers as unknown[] | undefined)?.length;
      if (updated.metadata.deletionTimestamp && waited && done) store.remove(object.kind, namespace, name);
      return updated;
    },
    call.resource,
    name,
  );
}

function serverOwned(current: KubeObject): Partial<KubeObject['metadata']> {
  const { metadata } = current;
  const owned: Partial<KubeObject['metadata']> = { name: metadata.name };
  const fields = ['namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'generateName'];
  for (const field of [...fields, 'deletionTimestamp', 'deletionGracePeriodSeconds']) {
    if (metadata[field] !== undefined) owned[field] = metadata[field];
  }
  return owned;
}

function namespaceOf(object: KubeObject, call: Call): string | undefined {
  if (!call.resource.namespaced) {
    delete object.metadata.namespace;
    return undefined;
  }
  const inBody = object.metadata.namespace;
  if (inBody && call.namespace && inBody !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return call.namespace;
}

/** Objects live in namespaces that exist and stay. */
function checkNamespace(namespace: string | undefined, name: string, call: Call): void {
  if (namespace === undefined) return;
  const holder = call.api.store.get('Namespace', undefined, namespace);
  if (!holder) throw notFound(NAMESPACES, namespace);
  if (holder.metadata.deletionTimestamp) {
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw forbidden(call.resource, name, why);
  }
}

/** Sets what Kubernetes' registry and its ServiceAccount admission set in new objects of some kinds. */
function admit(object: KubeObject): void {
  if (object.kind === 'Pod') {
    object.status = { phase: 'Pending', qosClass: 'BestEffort' };
    object.spec = { serviceAccountName: 'default', serviceAccount: 'default', ...object.spec };
  }
  if (object.kind !== 'Namespace') return;
  object.status = { phase: 'Active' };
  object.spec = { finalizers: ['kubernetes'] };
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
}

/** Five characters that make no words, as the API server's own name generator. */
function randomSuffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...randomBytes(5)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function stored<T>(write: () => T, resource: Resource, name: string): T {
  try {
    return write();
  } catch (error) {
    if (error instanceof StoreError) throw fromStoreError(error, resource, name);
    throw error;
  }
}

/** Whether a value may be an object's metadata at all: patches can make anything of it. */
export function hasMetadata(value: unknown): boolean {
  return isObject(value) && isObject(value.metadata);
}
