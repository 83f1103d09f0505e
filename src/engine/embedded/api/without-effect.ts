import type { KubeObject } from '../store.ts';
import { type JsonObject, listAt, objectAt } from './schema/json.ts';

/** Fields of pods that are accepted, so that real manifests apply, and that nothing here acts upon. */
const POD_FIELDS = [
  'securityContext',
  'imagePullSecrets',
  'priorityClassName',
  'runtimeClassName',
  'topologySpreadConstraints',
  'schedulingGates',
  'activeDeadlineSeconds',
  'dnsConfig',
  'overhead',
] as const;

const CONTAINER_FIELDS = [
  'resources',
  'securityContext',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'volumeDevices',
] as const;

/** What the dataplane obeys of a FelixConfiguration; everything else of Felix is known by name only. */
const FELIX_FIELDS_OBEYED = new Set([
  'wireguardEnabled',
  'wireguardInterfaceName',
  'wireguardListeningPort',
  'wireguardMTU',
  'wireguardRoutingRulePriority',
  'wireguardKeepAlive',
]);

/** One warning for each field that would otherwise be ignored silently: kubectl prints them. */
export function effectWarnings(object: KubeObject): string[] {
  return fieldsWithoutEffect(object).map((field) => `${field}: accepted, without effect in wglab's embedded engine`);
}

function fieldsWithoutEffect(object: KubeObject): string[] {
  const spec = objectAt(object, 'spec');
  switch (object.kind) {
    case 'Pod':
      return podFields(spec, 'spec');
    case 'Deployment':
    case 'DaemonSet':
    case 'ReplicaSet':
      return podFields(objectAt(spec, 'template', 'spec'), 'spec.template.spec');
    case 'FelixConfiguration':
      return Object.keys(spec)
        .filter((field) => !FELIX_FIELDS_OBEYED.has(field))
        .map((field) => `spec.${field}`);
    case 'Service':
      return spec.type === 'NodePort' || spec.type === 'LoadBalancer' ? ['spec.type'] : [];
    default:
      return [];
  }
}

function podFields(spec: JsonObject, path: string): string[] {
  const own = POD_FIELDS.filter((field) => isSet(spec[field])).map((field) => `${path}.${field}`);
  const inContainers = listAt(spec, 'containers').flatMap((container, i) =>
    CONTAINER_FIELDS.filter((field) => isSet(container[field])).map((field) => `${path}.containers[${i}].${field}`),
  );
  return [...own, ...inContainers];
}

/** Defaults fill in empty objects, which say nothing. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
