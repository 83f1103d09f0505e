import { readOptions } from '../body.ts';
import { type Call, isDryRun, present, type Reply } from '../context.ts';
import { type DeletionOptions, deleteObject } from '../deletion.ts';
import { isObject } from '../schema/json.ts';
import { selectorOf } from '../selectors.ts';
import { badRequest, conflict } from '../status.ts';
import { currentObject } from './read.ts';

export async function deleteOne(call: Call): Promise<Reply> {
  const options = await deletionOptions(call);
  const { api, resource, namespace, name = '' } = call;
  const goneUid = api.store.get(resource.kind, namespace, name)
    ? undefined
    : api.remains.uidOf(api.store, { kind: resource.kind, metadata: { name, ...(namespace ? { namespace } : {}) } });
  if (goneUid) return success(call, name, goneUid);
  const object = currentObject(call);
  const { uid, resourceVersion } = options.preconditions;
  if (uid && uid !== object.metadata.uid) {
    const message = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`;
    throw conflict(resource, object.metadata.name, message);
  }
  if (resourceVersion && resourceVersion !== object.metadata.resourceVersion) {
    const message = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${object.metadata.resourceVersion}`;
    throw conflict(resource, object.metadata.name, message);
  }
  if (!options.dryRun && object.kind === 'Namespace') api.remains.remember(api.store, object.metadata.name);
  const going = options.dryRun ? undefined : deleteObject(api.store, object, options);
  if (going) return { code: 200, body: present(going, resource) };
  return success(call, object.metadata.name, object.metadata.uid);
}

function success({ resource }: Call, name: string, uid: string | undefined): Reply {
  const details = { name, ...(resource.group ? { group: resource.group } : {}), kind: resource.plural, uid };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

export async function deleteMany(call: Call): Promise<Reply> {
  const options = await deletionOptions(call);
  const { api, resource, namespace, query } = call;
  const objects = api.store.list(resource.kind, namespace).filter(selectorOf(query, resource.kind));
  if (!options.dryRun) for (const object of objects) deleteObject(api.store, object, options);
  const items = objects.map((object) => present(object, resource));
  const metadata = { resourceVersion: api.store.version };
  return { code: 200, body: { kind: `${resource.kind}List`, apiVersion: resource.apiVersion, metadata, items } };
}

interface RequestedDeletion extends DeletionOptions {
  dryRun: boolean;
  preconditions: { uid?: unknown; resourceVersion?: unknown };
}

/** `DeleteOptions` come in the body or in the query. */
async function deletionOptions(call: Call): Promise<RequestedDeletion> {
  const body = await readOptions(call.request);
  const grace = body.gracePeriodSeconds ?? call.query.get('gracePeriodSeconds') ?? undefined;
  const orphan = body.orphanDependents === true || call.query.get('orphanDependents') === 'true';
  const policy = String(
    body.propagationPolicy ?? call.query.get('propagationPolicy') ?? (orphan ? 'Orphan' : 'Background'),
  );
  if (!['Background', 'Foreground', 'Orphan'].includes(policy)) {
    throw badRequest(`DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "${policy}"`);
  }
  const dryRun = isDryRun(call.query) || (Array.isArray(body.dryRun) && body.dryRun.includes('All'));
  return {
    propagationPolicy: policy as DeletionOptions['propagationPolicy'],
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    dryRun,
    preconditions: isObject(body.preconditions) ? body.preconditions : {},
  };
}
