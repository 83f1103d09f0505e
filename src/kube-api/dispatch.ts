import type { Call, Reply } from './context.ts';
import { badRequest, methodNotAllowed, unknownPath } from './status.ts';
import { deleteMany, deleteOne } from './verbs/delete.ts';
import { podLogs } from './verbs/logs.ts';
import { patchObject } from './verbs/patch.ts';
import { getObject, listObjects } from './verbs/read.ts';
import { getScale, updateScale } from './verbs/scale.ts';
import { watchObjects } from './verbs/watch.ts';
import { createObject, updateObject } from './verbs/write.ts';

type Handler = (call: Call) => Promise<Reply> | Reply | undefined;

/** The handler of a request for a kind. Throws 404 for a subresource that there is not, 405 for a wrong method. */
export function handlerOf(call: Call): Handler {
  const { resource, subresource, name, request } = call;
  const method = request.method ?? 'GET';
  if (subresource !== undefined) return subresourceHandler(call, method);
  const wantsWatch = ['true', '1'].includes(call.query.get('watch') ?? '');
  const handlers: Record<string, Handler> =
    name === undefined
      ? { GET: wantsWatch ? watchObjects : listObjects, POST: createObject, DELETE: deleteMany }
      : { GET: wantsWatch ? watchObjects : getObject, PUT: updateObject, PATCH: patchObject, DELETE: deleteOne };
  const handler = handlers[method === 'HEAD' ? 'GET' : method];
  const readOnly = !resource.verbs.includes('create');
  const createsEverywhere = method === 'POST' && resource.namespaced && call.namespace === undefined;
  if (!handler || createsEverywhere || (readOnly && method !== 'GET' && method !== 'HEAD')) throw methodNotAllowed();
  return handler;
}

function subresourceHandler({ resource, subresource = '' }: Call, method: string): Handler {
  const handlers: Partial<Record<string, Record<string, Handler>>> = {
    status: { GET: getObject, PUT: updateObject, PATCH: patchObject },
    scale: { GET: getScale, PUT: updateScale, PATCH: patchObject },
    log: { GET: podLogs },
    exec: { GET: needsUpgrade, POST: needsUpgrade },
  };
  const known = resource.subresources.find((sub) => sub === subresource);
  const byMethod = known && handlers[known];
  if (!byMethod) throw unknownPath();
  const handler = byMethod[method];
  if (!handler) throw methodNotAllowed();
  return handler;
}

/** An `exec` that asks for an upgrade never comes here. */
function needsUpgrade(): never {
  throw badRequest('Upgrade request required');
}
