import type { Schema, StructSchema } from './dsl.ts';
import { isObject, type JsonObject, listAt } from './json.ts';

/** Fills in, in place, what Kubernetes fills in where users see it. Fields that are there stay as they are. */
export function applyDefaults(value: JsonObject, struct: StructSchema): void {
  for (const field of struct.fields.values()) {
    if (value[field.name] === undefined && field.default !== undefined)
      value[field.name] = structuredClone(field.default);
  }
  dependentDefaults.get(struct.name)?.(value);
  for (const field of struct.fields.values()) descend(value[field.name], field.schema);
}

function descend(value: unknown, schema: Schema): void {
  if (schema.type === 'struct' && isObject(value)) applyDefaults(value, schema);
  if (schema.type === 'list' && Array.isArray(value)) for (const item of value) descend(item, schema.items);
  if (schema.type === 'map' && isObject(value)) for (const item of Object.values(value)) descend(item, schema.values);
}

/** Fills in, in place, the defaults of a struct that depend on its other fields. */
export type FillIn = (value: JsonObject) => void;

/** Defaults that depend on another field of the same struct. */
const KUBERNETES_DEFAULTS: Readonly<Record<string, FillIn>> = {
  Container(container) {
    container.imagePullPolicy ??= isLatest(String(container.image ?? '')) ? 'Always' : 'IfNotPresent';
  },
  EphemeralContainer(container) {
    container.imagePullPolicy ??= isLatest(String(container.image ?? '')) ? 'Always' : 'IfNotPresent';
  },
  PodSpec(spec) {
    if (spec.serviceAccountName) spec.serviceAccount ??= spec.serviceAccountName;
    if (spec.serviceAccount) spec.serviceAccountName ??= spec.serviceAccount;
    if (spec.hostNetwork !== true) return;
    for (const container of listAt(spec, 'containers')) {
      for (const port of listAt(container, 'ports')) port.hostPort ??= port.containerPort;
    }
  },
  Volume(volume) {
    if (Object.keys(volume).length === 1) volume.emptyDir = {};
  },
  HostPathVolumeSource(source) {
    source.type ??= '';
  },
  DeploymentStrategy(strategy) {
    if (strategy.type === 'RollingUpdate') strategy.rollingUpdate ??= {};
  },
  DaemonSetUpdateStrategy(strategy) {
    if (strategy.type === 'RollingUpdate') strategy.rollingUpdate ??= {};
  },
  ServicePort(port) {
    port.targetPort ??= port.port;
  },
  ServiceSpec(spec) {
    if (spec.type === 'ExternalName') {
      delete spec.internalTrafficPolicy;
      return;
    }
    if (spec.clusterIP === 'None') spec.clusterIPs ??= ['None'];
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    if (spec.type !== 'ClusterIP') spec.externalTrafficPolicy ??= 'Cluster';
  },
  Secret(secret) {
    const texts = secret.stringData;
    if (!isObject(texts)) return;
    const encoded = Object.entries(texts).map(([k, text]) => [k, Buffer.from(String(text)).toString('base64')]);
    secret.data = { ...(isObject(secret.data) ? secret.data : {}), ...Object.fromEntries(encoded) };
    delete secret.stringData;
  },
};

const dependentDefaults = new Map<string, FillIn>(Object.entries(KUBERNETES_DEFAULTS));

/** Adds defaults of structs that are not Kubernetes' own. */
export function addDefaults(defaults: Readonly<Record<string, FillIn>>): void {
  for (const [struct, fillIn] of Object.entries(defaults)) dependentDefaults.set(struct, fillIn);
}

function isLatest(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = image.slice(image.lastIndexOf('/') + 1).split(':')[1];
  return tag === undefined || tag === 'latest';
}
