import type { KubeObject } from '../../kube/object.ts';
import { type Call, present, type Reply } from '../context.ts';
import type { JsonObject } from '../schema/json.ts';
import { selectorOf } from '../selectors.ts';
import { notFound } from '../status.ts';
import { type IncludeObject, tableOf } from '../tables/table.ts';

/** The object that the call names. Throws 404. */
export function currentObject(call: Call): KubeObject {
  const { api, resource, namespace, name = '' } = call;
  const object = api.store.get(resource.kind, namespace, name);
  if (!object) throw notFound(resource, name);
  return object;
}

export function getObject(call: Call): Reply {
  const object = present(currentObject(call), call.resource);
  const form = answerForm(call);
  return { code: 200, body: form === 'object' ? object : shape([object], form, call, object.metadata.resourceVersion) };
}

/** All objects of a namespace or of all. Chunks (`limit`, `continue`) are not made: everything comes at once, as Kubernetes allows. */
export function listObjects(call: Call): Reply {
  const { api, resource, namespace, query } = call;
  const selects = selectorOf(query, resource.kind);
  const version = api.store.version;
  const items = api.store
    .list(resource.kind, namespace)
    .filter(selects)
    .map((object) => present(object, resource));
  const form = answerForm(call);
  if (form !== 'object') return { code: 200, body: shape(items, form, call, version) };
  const list = {
    kind: `${resource.kind}List`,
    apiVersion: resource.apiVersion,
    metadata: { resourceVersion: version },
  };
  return { code: 200, body: { ...list, items } };
}

type AnswerForm = 'object' | 'table' | 'metadata' | 'metadataList';

/** Returns the form that the client asked for in `Accept`: the object itself, a Table as kubectl prints it, or metadata only. */
export function answerForm(call: Call): AnswerForm {
  for (const option of (call.request.headers.accept ?? '').split(',')) {
    const [type = '', ...parameters] = option.split(';').map((part) => part.trim());
    const as = parameters.find((p) => p.startsWith('as='))?.slice(3);
    if (!as && (type === 'application/json' || type === '*/*')) return 'object';
    const known = parameters.includes('g=meta.k8s.io') && parameters.includes('v=v1');
    if (type !== 'application/json' || !known) continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata') return 'metadata';
    if (as === 'PartialObjectMetadataList') return 'metadataList';
  }
  return 'object';
}

function shape(items: KubeObject[], form: AnswerForm, call: Call, version: string | undefined): JsonObject {
  if (form === 'table') {
    const { resource, query } = call;
    return tableOf(items, {
      resource,
      includeObject: includeObject(query),
      resourceVersion: version ?? '',
      now: Date.now(),
    });
  }
  const partial = items.map(metadataOnly);
  if (form === 'metadata' && partial[0]) return partial[0];
  const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' };
  return { ...list, metadata: { resourceVersion: version ?? '' }, items: partial };
}

export function metadataOnly(object: KubeObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

export function includeObject(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
}
