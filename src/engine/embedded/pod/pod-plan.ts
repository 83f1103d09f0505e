import type { KubeObject } from '../../../kube/object.ts';
import type { Store } from '../../../kube-api/store.ts';
import { type Image, imageOf } from './image.ts';

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    configMapKeyRef?: { name: string; key: string; optional?: boolean };
    secretKeyRef?: { name: string; key: string; optional?: boolean };
  };
}

interface Source {
  name: string;
  optional?: boolean;
}

export interface ContainerSpec {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: { prefix?: string; configMapRef?: Source; secretRef?: Source }[];
  workingDir?: string;
  securityContext?: { privileged?: boolean };
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
}

export interface PodSpec {
  nodeName?: string;
  hostNetwork?: boolean;
  restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  terminationGracePeriodSeconds?: number;
  initContainers?: ContainerSpec[];
  containers: ContainerSpec[];
  volumes?: VolumeSpec[];
}

interface KeyToPath {
  key: string;
  path: string;
}

export interface VolumeSpec {
  name: string;
  emptyDir?: object;
  configMap?: { name: string; items?: KeyToPath[]; optional?: boolean };
  secret?: { secretName: string; items?: KeyToPath[]; optional?: boolean };
  [source: string]: unknown;
}

/** Something that a pod asks for and cannot have. It becomes the waiting reason of its container, as with the kubelet. */
export class PodProblem extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Returns what the engine has for a container's image. Throws PodProblem ErrImagePull if it has nothing. */
export function pullImage(image: string): Image {
  const found = imageOf(image);
  if (found) return found;
  throw new PodProblem(
    'ErrImagePull',
    `the embedded engine has no image "${image}": it runs busybox from this machine and pulls nothing; use --engine containerlab for other images`,
  );
}

/** Returns a container's environment, with references resolved. Throws PodProblem CreateContainerConfigError for a missing one. */
export function environmentOf(
  store: Pick<Store, 'get'>,
  pod: KubeObject,
  container: ContainerSpec,
  addresses: readonly string[],
): Map<string, string> {
  const environment = new Map([['HOSTNAME', pod.metadata.name]]);
  const namespace = pod.metadata.namespace;
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const source = configMapRef ?? secretRef;
    if (!source) continue;
    const data = dataOf(store, configMapRef ? 'ConfigMap' : 'Secret', namespace, source.name, source.optional);
    for (const [key, value] of data) environment.set(`${prefix}${key}`, value.toString());
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const reference = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
    if (valueFrom?.fieldRef) environment.set(name, field(pod, valueFrom.fieldRef.fieldPath, addresses));
    else if (reference) {
      const kind = valueFrom?.configMapKeyRef ? 'ConfigMap' : 'Secret';
      const found = dataOf(store, kind, namespace, reference.name, reference.optional).get(reference.key);
      if (!found && !reference.optional) {
        throw new PodProblem(
          'CreateContainerConfigError',
          `couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`,
        );
      }
      if (found) environment.set(name, found.toString());
    } else environment.set(name, expand(value ?? '', environment));
  }
  return environment;
}

/** Replaces Kubernetes' $(NAME) in command, args and values; $$ escapes, and an unknown name stays as it is. */
export function expand(text: string, environment: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (environment.get(name) ?? whole),
  );
}

/** Returns what the container runs: its command and arguments, or the image's own command (a shell, as in busybox). */
export function argvOf(container: ContainerSpec, environment: ReadonlyMap<string, string>): string[] {
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  return words.length > 0 ? words.map((word) => expand(word, environment)) : ['sh'];
}

/** Returns the files of a volume by path; undefined for an empty folder. Throws PodProblem for what the engine does not have. */
export function volumeFiles(
  store: Pick<Store, 'get'>,
  namespace: string | undefined,
  volume: VolumeSpec,
): ReadonlyMap<string, Buffer> | undefined {
  const { name, emptyDir, configMap, secret, ...others } = volume;
  if (emptyDir) return undefined;
  const source = configMap ?? secret;
  if (!source) {
    const kind = Object.keys(others)[0] ?? 'unknown';
    throw new PodProblem('CreateContainerConfigError', `volume "${name}": the embedded engine has no ${kind} volumes`);
  }
  const data = configMap
    ? dataOf(store, 'ConfigMap', namespace, configMap.name, configMap.optional)
    : dataOf(store, 'Secret', namespace, secret?.secretName ?? '', secret?.optional);
  if (!source.items) return data;
  const files = new Map<string, Buffer>();
  for (const { key, path } of source.items) {
    const found = data.get(key);
    if (found) files.set(path, found);
    else if (!source.optional) {
      throw new PodProblem('CreateContainerConfigError', `volume "${name}" references non-existent config key: ${key}`);
    }
  }
  return files;
}

function dataOf(
  store: Pick<Store, 'get'>,
  kind: 'ConfigMap' | 'Secret',
  namespace: string | undefined,
  name: string,
  optional = false,
): Map<string, Buffer> {
  const object = store.get(kind, namespace, name);
  if (!object && !optional) {
    throw new PodProblem('CreateContainerConfigError', `${kind.toLowerCase()} "${name}" not found`);
  }
  const data = new Map<string, Buffer>();
  const read = (from: unknown, encoding: 'base64' | 'utf8') => {
    for (const [key, value] of Object.entries((from ?? {}) as Record<string, string>)) {
      data.set(key, Buffer.from(value, encoding));
    }
  };
  read(object?.data, kind === 'Secret' ? 'base64' : 'utf8');
  read(object?.binaryData, 'base64');
  return data;
}

function field(pod: KubeObject, path: string, addresses: readonly string[]): string {
  const fields = new Map<string, unknown>([
    ['metadata.name', pod.metadata.name],
    ['metadata.namespace', pod.metadata.namespace],
    ['metadata.uid', pod.metadata.uid],
    ['spec.nodeName', pod.spec?.nodeName],
    ['spec.serviceAccountName', pod.spec?.serviceAccountName],
    ['status.podIP', addresses[0]],
    ['status.podIPs', addresses.join(',')],
    ['status.hostIP', pod.status?.hostIP],
  ]);
  const [, list, key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  const texts = list === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
  if (list !== undefined) return texts && Object.hasOwn(texts, key) ? (texts[key] ?? '') : '';
  if (!fields.has(path)) throw new PodProblem('CreateContainerConfigError', `fieldRef ${path} is not known`);
  return String(fields.get(path) ?? '');
}
