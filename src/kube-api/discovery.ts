import { groupVersions, type Resource, servedResources } from './resources.ts';
import type { JsonObject } from './schema/json.ts';

/** The version that `kubectl version` shows: the one whose API this server follows, marked as not being Kubernetes itself. */
export const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+wglab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Document {
  contentType: string;
  body: string;
}

const json = (value: unknown): Document => ({ contentType: 'application/json', body: JSON.stringify(value) });

let madeDocuments: ReadonlyMap<string, Document> | undefined;
let madeAggregated: ReadonlyMap<string, Document> | undefined;

/** Returns the documents of discovery, made once all kinds are known: at the first request. */
function documents(): ReadonlyMap<string, Document> {
  madeDocuments ??= makeDocuments();
  return madeDocuments;
}

const makeDocuments = () =>
  new Map<string, Document>([
    ['/api', json({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })],
    ['/apis', json({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups() })],
    ['/version', json(VERSION)],
    ...groups().map((group): [string, Document] => [
      `/apis/${group.name}`,
      json({ ...group, kind: 'APIGroup', apiVersion: 'v1' }),
    ]),
    ...groupVersions().map((gv): [string, Document] => [
      gv.group ? `/apis/${gv.apiVersion}` : `/api/${gv.apiVersion}`,
      json({
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: gv.apiVersion,
        resources: gv.resources.flatMap(apiResources),
      }),
    ]),
  ]);

/** Returns the documents that answer for all groups at once. */
function aggregatedDocuments(): ReadonlyMap<string, Document> {
  madeAggregated ??= new Map([
    ['/api', aggregated((r) => r.group === '')],
    ['/apis', aggregated((r) => r.group !== '')],
  ]);
  return madeAggregated;
}

/** Returns every path that has a document of discovery. */
export function discoveryPaths(): readonly string[] {
  return [...documents().keys()];
}

/** The discovery document of a path, aggregated (one answer for all groups) where the client can read that. */
export function discoveryDocument(pathname: string, accept: string): Document | undefined {
  const canAggregate = accept.includes('g=apidiscovery.k8s.io') && /v=v2(;|,|$)/.test(accept);
  return (canAggregate && aggregatedDocuments().get(pathname)) || documents().get(pathname);
}

function groups(): JsonObject[] & { name: string }[] {
  return groupVersions()
    .filter((gv) => gv.group)
    .map(({ group, version, apiVersion }) => {
      const served = { groupVersion: apiVersion, version };
      return { name: group, versions: [served], preferredVersion: served };
    });
}

function apiResources(r: Resource): JsonObject[] {
  const main = {
    name: r.plural,
    singularName: r.singular,
    namespaced: r.namespaced,
    kind: r.kind,
    verbs: r.verbs,
    ...(r.shortNames.length > 0 ? { shortNames: r.shortNames } : {}),
    ...(r.categories.length > 0 ? { categories: r.categories } : {}),
  };
  const below = r.subresources.map((sub) => ({
    name: `${r.plural}/${sub}`,
    singularName: '',
    namespaced: r.namespaced,
    ...subresourceKind(r, sub),
    verbs: subresourceVerbs(sub),
  }));
  return [main, ...below];
}

function subresourceKind(r: Resource, sub: string): JsonObject {
  if (sub === 'scale') return { group: 'autoscaling', version: 'v1', kind: 'Scale' };
  return { kind: sub === 'exec' ? 'PodExecOptions' : r.kind };
}

function subresourceVerbs(sub: string): string[] {
  if (sub === 'log') return ['get'];
  return sub === 'exec' ? ['create', 'get'] : ['get', 'patch', 'update'];
}

function aggregated(filter: (r: Resource) => boolean): Document {
  const names = [
    ...new Set(
      servedResources()
        .filter(filter)
        .map((r) => r.group),
    ),
  ];
  const items = names.map((name) => ({
    metadata: { ...(name ? { name } : {}), creationTimestamp: null },
    versions: groupVersions()
      .filter((gv) => gv.group === name)
      .map((gv) => ({ version: gv.version, resources: gv.resources.map(aggregatedResource), freshness: 'Current' })),
  }));
  const list = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  return { contentType: AGGREGATED, body: JSON.stringify(list) };
}

function aggregatedResource(r: Resource): JsonObject {
  const own = { group: r.group, version: r.version, kind: r.kind };
  return {
    resource: r.plural,
    responseKind: own,
    scope: r.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: r.singular,
    verbs: r.verbs,
    ...(r.shortNames.length > 0 ? { shortNames: r.shortNames } : {}),
    ...(r.categories.length > 0 ? { categories: r.categories } : {}),
    ...(r.subresources.length > 0
      ? {
          subresources: r.subresources.map((sub) => {
            const { kind, ...other } = subresourceKind(r, sub);
            return { subresource: sub, responseKind: { ...own, ...other, kind }, verbs: subresourceVerbs(sub) };
          }),
        }
      : {}),
  };
}
