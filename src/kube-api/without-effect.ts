import type { KubeObject } from '../kube/object.ts';
import { isObject, type JsonObject, listAt, objectAt } from './schema/json.ts';
import { type Store, same } from './store.ts';

/** Fields of pods that are accepted, so that real manifests apply, and that nothing here acts upon. */
const POD_FIELDS = [
  'hostPID',
  'hostIPC',
  'hostUsers',
  'hostname',
  'hostAliases',
  'shareProcessNamespace',
  'securityContext',
  'imagePullSecrets',
  'priorityClassName',
  'runtimeClassName',
  'topologySpreadConstraints',
  'readinessGates',
  'activeDeadlineSeconds',
  'dnsConfig',
  'overhead',
  'resources',
  'resourceClaims',
] as const;

const CONTAINER_FIELDS = [
  'resources',
  'resizePolicy',
  'restartPolicy',
  'securityContext',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'volumeDevices',
] as const;

/** The path of each field that is accepted and has no effect, and its value. */
export type FieldValue = [path: string, value: unknown];
export type FieldsWithoutEffect = (object: KubeObject, store: Pick<Store, 'list'>) => FieldValue[];

const ofKinds = new Map<string, FieldsWithoutEffect>();

/** Warns of fields without effect in kinds that are not Kubernetes' own. */
export function addFieldsWithoutEffect(fields: Readonly<Record<string, FieldsWithoutEffect>>): void {
  for (const [kind, of] of Object.entries(fields)) ofKinds.set(kind, of);
}

/**
 * One warning for each field that would otherwise be ignored silently: kubectl prints them. Only for what the request itself
 * sets: what is the same in `before`, the object as it was, is nothing that the person just wrote.
 */
export function effectWarnings(store: Pick<Store, 'list'>, object: KubeObject, before?: KubeObject): string[] {
  const known = new Map(before ? fieldsWithoutEffect(store, before) : []);
  return fieldsWithoutEffect(store, object)
    .filter(([field, value]) => !same(value, known.get(field)))
    .map(([field]) => `${field}: accepted, without effect in wglab's embedded engine`);
}

function fieldsWithoutEffect(store: Pick<Store, 'list'>, object: KubeObject): FieldValue[] {
  const spec = objectAt(object, 'spec');
  switch (object.kind) {
    case 'Pod':
      return podFields(spec, 'spec');
    case 'Deployment':
    case 'DaemonSet':
    case 'ReplicaSet':
      return podFields(objectAt(spec, 'template', 'spec'), 'spec.template.spec');
    case 'Service':
      return spec.type === 'NodePort' || spec.type === 'LoadBalancer' ? [['spec.type', spec.type]] : [];
    default:
      return ofKinds.get(object.kind)?.(object, store) ?? [];
  }
}

function podFields(spec: JsonObject, path: string): FieldValue[] {
  const inContainers = ['initContainers', 'containers'].flatMap((list) =>
    listAt(spec, list).flatMap((container, i) => setFields(container, CONTAINER_FIELDS, `${path}.${list}[${i}]`)),
  );
  return [...setFields(spec, POD_FIELDS, path), ...inContainers];
}

function setFields(object: JsonObject, fields: readonly string[], path: string): FieldValue[] {
  return fields
    .map((field): FieldValue => [field, field === 'securityContext' ? withoutPrivileged(object[field]) : object[field]])
    .filter(([, value]) => isSet(value))
    .map(([field, value]) => [`${path}.${field}`, value]);
}

/** The one field of a security context that is obeyed. */
function withoutPrivileged(context: unknown): unknown {
  if (!isObject(context)) return context;
  const { privileged, ...others } = context;
  return others;
}

/** Defaults fill in empty objects, which say nothing; nor does a switch that is off. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
