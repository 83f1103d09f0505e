import type { KubeObject } from '../../kube/object.ts';
import { type Call, present } from '../context.ts';
import type { JsonObject } from '../schema/json.ts';
import { selectorOf } from '../selectors.ts';
import { badRequest, expired } from '../status.ts';
import { StoreError, type WatchEvent } from '../store.ts';
import { tableOf } from '../tables/table.ts';
import { answerForm, includeObject, metadataOnly } from './read.ts';

/** A client that reads nothing for so long (bytes not yet taken) loses its watch, rather than the daemon its memory. */
const BACKLOG_LIMIT = 16 * 1024 * 1024;

/**
 * Streams the changes of a kind: from a resource version on, or from now with everything that there is as ADDED first.
 * Ends when the client goes, after `timeoutSeconds`, or with the server.
 */
export function watchObjects(call: Call): undefined {
  const { api, resource, namespace, name, query, response } = call;
  const selects = selectorOf(query, resource.kind);
  const inScope = (object: KubeObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name);
  const from = query.get('resourceVersion') ?? '';
  if (from && !/^\d+$/.test(from))
    throw badRequest(`Invalid value: "${from}": strconv.ParseUint: parsing "${from}": invalid syntax`);
  const withInitial = query.get('sendInitialEvents') === 'true' || from === '' || from === '0';
  const write = eventWriter(call);
  const standing = api.store.list(resource.kind).filter((object) => inScope(object) && selects(object));
  const seen = new Set(standing.map((object) => object.metadata.uid));
  const missed = withInitial ? [] : eventsSince(call, from);

  const tell = ({ type, object }: WatchEvent) => {
    if (!inScope(object)) return;
    const uid = object.metadata.uid;
    const matches = selects(object);
    const known = seen.has(uid);
    if (matches && type !== 'DELETED') seen.add(uid);
    else seen.delete(uid);
    // An object that changes so that the selector takes it in or lets it go is new or gone to this client.
    if (type === 'DELETED') {
      if (matches || known) write(type, object);
    } else if (matches) {
      write(known || type === 'ADDED' ? type : 'ADDED', object);
    } else if (known) {
      write('DELETED', object);
    }
  };

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  for (const event of missed) tell(event);
  if (withInitial && query.get('sendInitialEvents') !== 'false') for (const object of standing) write('ADDED', object);
  if (query.get('sendInitialEvents') === 'true') {
    const metadata = { resourceVersion: api.store.version, annotations: { 'k8s.io/initial-events-end': 'true' } };
    write('BOOKMARK', { apiVersion: resource.apiVersion, kind: resource.kind, metadata: { ...metadata, name: '' } });
  }
  const unwatch = api.store.watch(resource.kind, tell);
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
  response.on('close', () => {
    unwatch();
    clearTimeout(timer);
  });
  return undefined;
}

/** Writes one event as a line of JSON, in the form that the client asked for. */
function eventWriter(call: Call): (type: WatchEvent['type'] | 'BOOKMARK', object: KubeObject) => void {
  const { resource, response, query } = call;
  const form = answerForm(call);
  let first = true;
  const shape = (object: KubeObject): JsonObject => {
    if (form === 'object') return object;
    if (form !== 'table') return metadataOnly(object);
    const table = tableOf([object], {
      resource,
      includeObject: includeObject(query),
      resourceVersion: object.metadata.resourceVersion ?? '',
      now: Date.now(),
      withoutColumns: !first,
    });
    first = false;
    return table;
  };
  return (type, object) => {
    if (response.destroyed || response.writableEnded) return;
    response.write(`${JSON.stringify({ type, object: shape(present(object, resource)) })}\n`);
    if (response.writableLength > BACKLOG_LIMIT) response.destroy();
  };
}

function eventsSince(call: Call, version: string): WatchEvent[] {
  try {
    return call.api.store.since(call.resource.kind, version);
  } catch (error) {
    if (error instanceof StoreError && error.reason === 'Expired') throw expired(error.message);
    throw error;
  }
}
