import type { Call, Reply } from './context.ts';
import { discoveryPaths } from './discovery.ts';
import { openApiPaths } from './openapi.ts';
import { type Resource, servedResources } from './resources.ts';
import { badRequest } from './status.ts';
import { deleteMany, deleteOne } from './verbs/delete.ts';
import { podLogs } from './verbs/logs.ts';
import { patchObject } from './verbs/patch.ts';
import { getObject, listObjects } from './verbs/read.ts';
import { getScale, updateScale } from './verbs/scale.ts';
import { watchObjects } from './verbs/watch.ts';
import { createObject, updateObject } from './verbs/write.ts';

export type Handler = (call: Call) => Promise<Reply> | Reply | undefined;
export type Methods = Readonly<Partial<Record<string, Handler>>>;

/** A path that the server knows. */
export interface Route {
  /** With `{namespace}` and `{name}` for what a client fills in. */
  readonly path: string;
  /** Whether it answers without the token. */
  readonly open: boolean;
  /** A kind with its handlers, or a document that never changes. */
  readonly serves:
    | 'health'
    | 'discovery'
    | 'openapi'
    | { readonly resource: Resource; readonly subresource?: string; readonly methods: Methods };
}

const getOrWatch =
  (get: Handler): Handler =>
  (call) =>
    wantsWatch(call) ? watchObjects(call) : get(call);

const COLLECTION: Methods = { GET: getOrWatch(listObjects), POST: createObject, DELETE: deleteMany };
const OBJECT: Methods = { GET: getOrWatch(getObject), PUT: updateObject, PATCH: patchObject, DELETE: deleteOne };
const EXEC: Methods = { GET: needsUpgrade, POST: needsUpgrade };

const SUBRESOURCES: Readonly<Record<Resource['subresources'][number], Methods>> = {
  status: { GET: getObject, PUT: updateObject, PATCH: patchObject },
  scale: { GET: getScale, PUT: updateScale, PATCH: patchObject },
  log: { GET: podLogs },
  exec: EXEC,
};

/** Returns every path that the server knows. All kinds must have been added by then. */
export const routes = (): readonly Route[] => [
  ...['/livez', '/readyz', '/healthz'].map((path): Route => ({ path, open: true, serves: 'health' })),
  ...discoveryPaths().map((path): Route => ({ path, open: path === '/version', serves: 'discovery' })),
  ...openApiPaths().map((path): Route => ({ path, open: false, serves: 'openapi' })),
  ...servedResources().flatMap(resourceRoutes),
];

function resourceRoutes(resource: Resource): Route[] {
  const base = resource.group ? `/apis/${resource.apiVersion}` : `/api/${resource.version}`;
  const collection = `${base}/${resource.namespaced ? 'namespaces/{namespace}/' : ''}${resource.plural}`;
  const route = (path: string, methods: Methods, subresource?: string): Route => ({
    path,
    open: false,
    serves: { resource, methods: allowed(resource, methods), ...(subresource !== undefined && { subresource }) },
  });
  return [
    // Over all namespaces one can only read, as in Kubernetes.
    ...(resource.namespaced ? [route(`${base}/${resource.plural}`, { GET: getOrWatch(listObjects) })] : []),
    route(collection, COLLECTION),
    route(`${collection}/{name}`, OBJECT),
    ...resource.subresources.map((sub) => route(`${collection}/{name}/${sub}`, SUBRESOURCES[sub], sub)),
    // wglab's own path next to Kubernetes' API: a command on the node itself, as `docker exec` on a kind node.
    ...(resource.kind === 'Node' ? [route(`${collection}/{name}/exec`, EXEC, 'exec')] : []),
  ];
}

function allowed(resource: Resource, methods: Methods): Methods {
  return resource.verbs.includes('create') ? methods : { GET: methods.GET };
}

function wantsWatch({ query }: Call): boolean {
  return ['true', '1'].includes(query.get('watch') ?? '');
}

/** An `exec` that asks for an upgrade never comes here. */
function needsUpgrade(): never {
  throw badRequest('Upgrade request required');
}
