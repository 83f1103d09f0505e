import type { KubeObject } from '../../kube/object.ts';
import { hasLabels } from '../../kube/selectors.ts';
import type { Store } from '../store.ts';
import { attempt, type ControllerContext, reconcileOnChange } from './controller.ts';
import type {
  EndpointAddress,
  EndpointPort,
  EndpointSubset,
  Endpoints,
  Pod,
  Service,
  ServicePort,
  ServiceSpec,
} from './kinds.ts';
import { hashOf, nameWithSuffix } from './names.ts';
import { ensure, modify } from './object-cache.ts';
import { controllerReference, isReady, isTerminal, isTerminating } from './pods.ts';

const MANAGED_ENDPOINTS = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };
const SLICE_MANAGER = 'endpointslice.kubernetes.io/managed-by';
const MANAGED_SLICE = { [SLICE_MANAGER]: 'endpointslice-controller.k8s.io' };
const SERVICE_NAME = 'kubernetes.io/service-name';

/**
 * Keeps Endpoints and an EndpointSlice for each Service with a selector, and says on each Service that asks for more that
 * there are no cluster addresses here: nothing in the engine would route them.
 */
export function runServices(context: ControllerContext): () => void {
  const told = new Set<string>();
  return reconcileOnChange(context, 'endpoint-controller', ['Service', 'Pod', 'Endpoints', 'EndpointSlice'], () => {
    const { cache, store } = context;
    for (const service of cache.list('Service')) {
      if (isTerminating(service)) continue;
      attempt(context, `reconciling service ${service.metadata.name}`, () => reconcile(context, service, told));
    }
    for (const { metadata, kind } of orphans(
      cache.list('Endpoints'),
      cache.list('EndpointSlice'),
      cache.list('Service'),
    )) {
      store.remove(kind, metadata.namespace, metadata.name);
    }
  });
}

function reconcile(context: ControllerContext, service: Service, told: Set<string>): void {
  const { store, cache } = context;
  declareHeadless(context, service, told);
  if (!service.spec?.selector || service.spec.type === 'ExternalName') return;
  const subsets = planSubsets(service.spec, cache.list('Pod', service.metadata.namespace));
  const { name, namespace, labels } = service.metadata;
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace, labels: { ...labels, ...MANAGED_ENDPOINTS } },
    subsets,
  };
  ensure(store, cache, 'Endpoints', endpoints);
  ensure(store, cache, 'EndpointSlice', endpointSlice(service, subsets));
}

/**
 * A Service without an address of its own gets `None`, as if it had been made headless: its name leads straight to the pods,
 * which is what happens here. An address that the user chose stays as it is. Both get an event that says so, once.
 */
function declareHeadless({ store, record }: ControllerContext, service: Service, told: Set<string>): void {
  const { type = 'ClusterIP', clusterIP } = service.spec ?? {};
  const { uid = '' } = service.metadata;
  if (type === 'ExternalName' || clusterIP === 'None' || told.has(uid)) return;
  told.add(uid);
  if (!clusterIP) {
    modify(store, 'Service', service, (object) => {
      object.spec = { ...object.spec, clusterIP: 'None', clusterIPs: ['None'] };
    });
  }
  const unrouted = type === 'ClusterIP' ? 'cluster addresses' : 'node ports and cluster addresses';
  const message = `this engine routes no ${unrouted}: the name of the service leads to the addresses of its pods`;
  record('endpoint-controller', service, 'Warning', 'ClusterIPNotRouted', message);
}

/** The addresses behind a service, grouped by the ports that they serve; sorted, so that equal states give equal objects. */
export function planSubsets(spec: ServiceSpec, pods: readonly Pod[]): EndpointSubset[] {
  const subsets = new Map<string, Required<EndpointSubset>>();
  const members = pods.filter(
    (pod) => pod.status?.podIP && !isTerminal(pod) && hasLabels(pod.metadata.labels, spec.selector),
  );
  for (const pod of members) {
    const ports = (spec.ports ?? []).flatMap((port) => endpointPort(port, pod));
    const key = JSON.stringify(ports);
    const subset = subsets.get(key) ?? { addresses: [], notReadyAddresses: [], ports };
    subsets.set(key, subset);
    const serving = (isReady(pod) && !isTerminating(pod)) || spec.publishNotReadyAddresses;
    subset[serving ? 'addresses' : 'notReadyAddresses'].push(endpointAddress(pod));
  }
  const byAddress = (a: EndpointAddress, b: EndpointAddress) => (a.ip < b.ip ? -1 : 1);
  return [...subsets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { addresses, notReadyAddresses, ports }]) => ({
      ...(addresses.length > 0 && { addresses: addresses.sort(byAddress) }),
      ...(notReadyAddresses.length > 0 && { notReadyAddresses: notReadyAddresses.sort(byAddress) }),
      ...(ports.length > 0 && { ports }),
    }));
}

/** A service's port on a pod: a targetPort with a name is the container port of that name, and none where there is no such. */
function endpointPort({ name, port, protocol = 'TCP', targetPort }: ServicePort, pod: Pod): EndpointPort[] {
  const named = (pod.spec?.containers ?? [])
    .flatMap(({ ports = [] }) => ports)
    .find((candidate) => candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol)?.containerPort;
  const number = typeof targetPort === 'string' ? (named ?? (Number(targetPort) || undefined)) : targetPort || port;
  return number === undefined ? [] : [{ ...(name !== undefined && { name }), port: number, protocol }];
}

function endpointAddress({ metadata, spec, status }: Pod): EndpointAddress {
  const { name, namespace, uid } = metadata;
  return {
    ip: status?.podIP ?? '',
    ...(spec?.subdomain && spec.hostname && { hostname: spec.hostname }),
    ...(spec?.nodeName && { nodeName: spec.nodeName }),
    targetRef: { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) },
  };
}

function endpointSlice(service: Service, subsets: readonly EndpointSubset[]): KubeObject {
  const { name, namespace, uid } = service.metadata;
  const endpoints = subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) => [
    ...addresses.map((address) => sliceEndpoint(address, true)),
    ...notReadyAddresses.map((address) => sliceEndpoint(address, false)),
  ]);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: nameWithSuffix(name, hashOf(uid).slice(0, 5)),
      namespace,
      labels: { ...MANAGED_SLICE, [SERVICE_NAME]: name },
      ownerReferences: [controllerReference(service)],
    },
    addressType: 'IPv4',
    endpoints,
    ports: subsets[0]?.ports ?? [],
  };
}

function sliceEndpoint({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean) {
  const conditions = { ready, serving: ready, terminating: false };
  return { addresses: [ip], conditions, ...(hostname && { hostname }), ...(nodeName && { nodeName }), targetRef };
}

function orphans(
  endpoints: readonly KubeObject[],
  slices: readonly KubeObject[],
  services: readonly Service[],
): KubeObject[] {
  const exists = (namespace: string | undefined, name: string | undefined) =>
    services.some(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  return [
    ...endpoints.filter(
      ({ metadata }) => hasLabels(metadata.labels, MANAGED_ENDPOINTS) && !exists(metadata.namespace, metadata.name),
    ),
    ...slices.filter(
      ({ metadata }) =>
        hasLabels(metadata.labels, MANAGED_SLICE) && !exists(metadata.namespace, metadata.labels?.[SERVICE_NAME]),
    ),
  ];
}

/**
 * Returns the lines of /etc/hosts by which a pod of a namespace finds the cluster's services by name: one for each ready address,
 * sorted. Names are those that the cluster's DNS would know; the bare name only for services of the pod's own namespace.
 */
export function hostsEntries(store: Pick<Store, 'list'>, namespace: string): string[] {
  const endpoints = store.list('Endpoints') as Endpoints[];
  return endpoints.flatMap(({ metadata, subsets = [] }) => {
    const full = [`${metadata.name}.${metadata.namespace}`];
    const names = metadata.namespace === namespace ? [metadata.name, ...full] : full;
    const host = [...names, ...full.flatMap((name) => [`${name}.svc`, `${name}.svc.cluster.local`])];
    return subsets
      .flatMap(({ addresses = [] }) => addresses)
      .flatMap(({ ip, hostname }) => [
        `${ip} ${host.join(' ')}`,
        ...(hostname ? [`${ip} ${host.map((name) => `${hostname}.${name}`).join(' ')}`] : []),
      ]);
  });
}
