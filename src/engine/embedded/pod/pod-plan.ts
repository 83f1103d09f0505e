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

export interface ContainerSpec {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: { prefix?: string; configMapRef?: { name: string }; secretRef?: { name: string } }[];
  workingDir?: string;
  securityContext?: { privileged?: boolean };
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
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
  configMap?: { name: string; items?: KeyToPath[] };
  secret?: { secretName: string; items?: KeyToPath[] };
  [source: string]: unknown;
}

/** What a pod asks for that cannot be had: shown as the waiting reason of its container, as the kubelet does. */
export class PodProblem extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What the engine has for a container's image. Throws PodProblem ErrImagePull where it has nothing. */
export function pullImage(image: string): Image {
  const found = imageOf(image);
  if (found) return found;
  throw new PodProblem(
    'ErrImagePull',
    `the embedded engine has no image "${image}": it runs busybox from this machine and pulls nothing; use --engine containerlab for other images`,
  );
}

/** A container's environment, with references resolved. Throws PodProblem CreateContainerConfigError for a missing one. */
export function environmentOf(store: Store, pod: KubeObject, container: ContainerSpec, addresses: readonly string[]) {
  const environment: Record<string, string> = { HOSTNAME: pod.metadata.name };
  const namespace = pod.metadata.namespace;
  for (const source of container.envFrom ?? []) {
    const data = source.configMapRef
      ? dataOf(store, 'ConfigMap', namespace, source.configMapRef.name)
      : dataOf(store, 'Secret', namespace, source.secretRef?.name ?? '');
    for (const [key, value] of Object.entries(data)) environment[`${source.prefix ?? ''}${key}`] = value.toString();
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const reference = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
    if (valueFrom?.fieldRef) environment[name] = field(pod, valueFrom.fieldRef.fieldPath, addresses);
    else if (reference) {
      const kind = valueFrom?.configMapKeyRef ? 'ConfigMap' : 'Secret';
      const found = dataOf(store, kind, namespace, reference.name, reference.optional)[reference.key];
      if (!found && !reference.optional) {
        throw new PodProblem(
          'CreateContainerConfigError',
          `couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`,
        );
      }
      if (found) environment[name] = found.toString();
    } else environment[name] = expand(value ?? '', environment);
  }
  return environment;
}

/** Kubernetes' $(NAME) in command, args and values; $$ escapes, and an unknown name stays as it is. */
export function expand(text: string, environment: Record<string, string>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (environment[name] ?? whole),
  );
}

/** What the container runs: its command and arguments, or the image's own command (a shell, as in busybox). */
export function argvOf(container: ContainerSpec, environment: Record<string, string>): string[] {
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  return words.length > 0 ? words.map((word) => expand(word, environment)) : ['sh'];
}

/** The files of a volume by path, or undefined for an empty folder. Throws PodProblem for what the engine does not have. */
export function volumeFiles(
  store: Store,
  namespace: string | undefined,
  volume: VolumeSpec,
): Record<string, Buffer> | undefined {
  const { name, emptyDir, configMap, secret, ...others } = volume;
  if (emptyDir) return undefined;
  const source = configMap ?? secret;
  if (!source) {
    const kind = Object.keys(others)[0] ?? 'unknown';
    throw new PodProblem('CreateContainerConfigError', `volume "${name}": the embedded engine has no ${kind} volumes`);
  }
  const data = configMap
    ? dataOf(store, 'ConfigMap', namespace, configMap.name)
    : dataOf(store, 'Secret', namespace, secret?.secretName ?? '');
  if (!source.items) return data;
  return Object.fromEntries(source.items.map(({ key, path }) => [path, data[key] ?? Buffer.alloc(0)]));
}

function dataOf(
  store: Store,
  kind: 'ConfigMap' | 'Secret',
  namespace: string | undefined,
  name: string,
  optional = false,
) {
  const object = store.get(kind, namespace, name);
  if (!object && !optional) {
    throw new PodProblem('CreateContainerConfigError', `${kind.toLowerCase()} "${name}" not found`);
  }
  const text = (object?.data ?? {}) as Record<string, string>;
  const encoding = kind === 'Secret' ? 'base64' : 'utf8';
  const binary = (object?.binaryData ?? {}) as Record<string, string>;
  return {
    ...mapValues(text, (value) => Buffer.from(value, encoding)),
    ...mapValues(binary, (value) => Buffer.from(value, 'base64')),
  };
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function field(pod: KubeObject, path: string, addresses: readonly string[]): string {
  const fields: Record<string, unknown> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec?.nodeName,
    'spec.serviceAccountName': pod.spec?.serviceAccountName,
    'status.podIP': addresses[0],
    'status.podIPs': addresses.join(','),
    'status.hostIP': pod.status?.hostIP,
  };
  const key = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (key) return pod.metadata[key[1] as 'labels' | 'annotations']?.[key[2] ?? ''] ?? '';
  if (!(path in fields)) throw new PodProblem('CreateContainerConfigError', `fieldRef ${path} is not known`);
  return String(fields[path] ?? '');
}
