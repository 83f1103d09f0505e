import type { KubeObject, OwnerReference } from '../../kube/object.ts';
import type { Store } from '../store.ts';
import { conditionOf, timestamp } from './conditions.ts';
import type { Pod, PodSpec, PodTemplate } from './kinds.ts';
import { nameWithSuffix } from './names.ts';

/** Kubernetes' default for `terminationGracePeriodSeconds`. */
const GRACE_SECONDS = 30;

/**
 * Starts the end of a pod: what no node has taken yet, or has ended, is gone at once; the rest gets a deletionTimestamp and is
 * removed by its kubelet. A pod that is ending already, or is gone, is left alone.
 */
export function deletePod(store: Store, pod: Readonly<KubeObject<unknown, unknown>>, now: Date): void {
  const { namespace, name, uid } = pod.metadata;
  const current = store.get('Pod', namespace, name) as Pod | undefined;
  if (!current || current.metadata.uid !== uid || current.metadata.deletionTimestamp) return;
  if (!current.spec?.nodeName || isTerminal(current)) {
    store.remove('Pod', namespace, name);
    return;
  }
  const seconds = current.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS;
  current.metadata.deletionTimestamp = timestamp(new Date(now.getTime() + seconds * 1000));
  current.metadata.deletionGracePeriodSeconds = seconds;
  store.update(current);
}

/** A pod as its controller makes it from a template. */
export function podFromTemplate(
  template: PodTemplate,
  owner: Readonly<KubeObject<unknown, unknown>>,
  identity: { name: string; labels: Record<string, string> },
): Pod {
  const spec: PodSpec = {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: GRACE_SECONDS,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    serviceAccountName: 'default',
    ...template.spec,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: identity.name,
      namespace: owner.metadata.namespace,
      generateName: `${owner.metadata.name}-`,
      labels: { ...template.metadata?.labels, ...identity.labels },
      ...(template.metadata?.annotations && { annotations: template.metadata.annotations }),
      ownerReferences: [controllerReference(owner)],
    },
    spec,
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  };
}

/** A pod's name that is still free: the owner's name and a random end. */
export function freshPodName(
  { store, suffix }: { store: Store; suffix: () => string },
  { metadata }: Readonly<KubeObject<unknown, unknown>>,
): string {
  for (let attempts = 0; attempts < 100; attempts += 1) {
    const name = nameWithSuffix(metadata.name, suffix());
    if (!store.get('Pod', metadata.namespace, name)) return name;
  }
  throw new Error(`no free name for a pod of ${metadata.name}`);
}

/** The reference that makes `owner` the controller of what carries it. */
export function controllerReference({
  apiVersion,
  kind,
  metadata,
}: Readonly<KubeObject<unknown, unknown>>): OwnerReference {
  const { name, uid = '' } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Returns the reference to an object's controller, or undefined. */
export function controllerOf(object: Readonly<KubeObject<unknown, unknown>>): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod.status?.conditions, 'Ready')?.status === 'True';
}

/** Whether the pod's containers have ended for good: it holds no place on its node any more. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isTerminating(object: Readonly<KubeObject<unknown, unknown>>): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Orders objects by age; those made in the same second stay in the order they are in. */
export function oldestFirst(
  a: Readonly<KubeObject<unknown, unknown>>,
  b: Readonly<KubeObject<unknown, unknown>>,
): number {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return first < second ? -1 : first > second ? 1 : 0;
}
