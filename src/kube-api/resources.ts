import type { StructSchema } from './schema/dsl.ts';
import { structOf } from './schema/structs.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';
export type Subresource = 'status' | 'scale' | 'log' | 'exec';

/** A kind as one group and version serves it. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`: as in manifests. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  readonly schema: StructSchema;
  /** Kubernetes words errors differently for kinds that come from a CustomResourceDefinition, and has no strategic merge for them. */
  readonly custom: boolean;
  /** The apiVersion that the store keeps: two groups may serve one stored object. */
  readonly storedAs: string;
}

export interface ResourceOptions {
  short?: string[];
  categories?: string[];
  cluster?: boolean;
  readOnly?: boolean;
  subresources?: Subresource[];
  plural?: string;
  custom?: boolean;
  storedAs?: string;
}

const ALL: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const READ: readonly Verb[] = ['get', 'list', 'watch'];

/** Describes a kind as a group and version serves it; its schema is the struct of the same name. */
export function resource(apiVersion: string, kind: string, options: ResourceOptions = {}): Resource {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const singular = kind.toLowerCase();
  return {
    group,
    version,
    apiVersion,
    kind,
    singular,
    plural: options.plural ?? `${singular}s`,
    shortNames: options.short ?? [],
    categories: options.categories ?? [],
    namespaced: !options.cluster,
    verbs: options.readOnly ? READ : ALL,
    subresources: options.subresources ?? [],
    get schema() {
      return structOf(kind);
    },
    custom: options.custom ?? false,
    storedAs: options.storedAs ?? apiVersion,
  };
}

const workload: ResourceOptions = { categories: ['all'], subresources: ['scale', 'status'] };

/** Every kind that is served, in the order of discovery: the order of the groups decides what a bare name means to kubectl. */
const resources: Resource[] = [
  resource('v1', 'ConfigMap', { short: ['cm'] }),
  resource('v1', 'Endpoints', { short: ['ep'], plural: 'endpoints' }),
  resource('v1', 'Event', { short: ['ev'] }),
  resource('v1', 'Namespace', { short: ['ns'], cluster: true, subresources: ['status'] }),
  resource('v1', 'Node', { short: ['no'], cluster: true, subresources: ['status'] }),
  resource('v1', 'Pod', { short: ['po'], categories: ['all'], subresources: ['exec', 'log', 'status'] }),
  resource('v1', 'Secret'),
  resource('v1', 'ServiceAccount', { short: ['sa'] }),
  resource('v1', 'Service', { short: ['svc'], categories: ['all'], subresources: ['status'] }),
  resource('apps/v1', 'ControllerRevision'),
  resource('apps/v1', 'DaemonSet', { short: ['ds'], categories: ['all'], subresources: ['status'] }),
  resource('apps/v1', 'Deployment', { short: ['deploy'], ...workload }),
  resource('apps/v1', 'ReplicaSet', { short: ['rs'], ...workload }),
  resource('coordination.k8s.io/v1', 'Lease'),
  resource('discovery.k8s.io/v1', 'EndpointSlice'),
];

/** Serves further kinds, after those that are served already. A kind that is served is not added twice. */
export function addResources(more: readonly Resource[]): void {
  resources.push(...more.filter(({ group, version, plural }) => !findResource(group, version, plural)));
}

/** Returns every kind that is served, in the order of discovery. */
export function servedResources(): readonly Resource[] {
  return resources;
}

/** Returns the kind of this plural name, or undefined if it is not served. */
export function findResource(group: string, version: string, plural: string): Resource | undefined {
  return resources.find((r) => r.group === group && r.version === version && r.plural === plural);
}

/** Returns each kind once, as it is stored: for what walks over all objects. */
export function storedResources(): readonly Resource[] {
  return resources.filter((r) => r.apiVersion === r.storedAs);
}

/** Returns the groups and versions in the order of discovery. */
export function groupVersions(): { group: string; version: string; apiVersion: string; resources: Resource[] }[] {
  const all = new Map<string, Resource[]>();
  for (const r of resources) all.set(r.apiVersion, [...(all.get(r.apiVersion) ?? []), r]);
  return [...all.entries()].map(([apiVersion, resources]) => {
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    return { group, version, apiVersion, resources };
  });
}
