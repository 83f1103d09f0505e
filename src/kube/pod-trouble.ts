import { type Failure, labFailure } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import type { Pod } from './objects.ts';

/** Why a container of a pod does not run. */
export interface PodTrouble {
  pod: Pod;
  /** `namespace/name`. */
  name: string;
  container: string;
  image: string;
  /** The kubelet's word: ErrImagePull, CrashLoopBackOff. */
  reason: string;
  message: string;
  restarts: number;
}

/** Reasons that are right when they are given, and never pass. */
const FINAL = ['ErrImageNeverPull', 'InvalidImageName'];

/**
 * How long other reasons may last, in ms: a registry that did not answer, a ConfigMap that the kubelet has not seen yet, a node whose
 * network plugin is being installed.
 */
const GRACE_MS: Record<string, number> = {
  ErrImagePull: 10_000,
  ImagePullBackOff: 10_000,
  CreateContainerConfigError: 30_000,
  CreateContainerError: 30_000,
  RunContainerError: 30_000,
  FailedCreatePodSandBox: 60_000,
};

/** How often a container may crash until nobody waits for it any more: the pods of the cluster itself wait for each other. */
const CRASHES = { own: 2, system: 5 };

const SYSTEM = /^(kube-system|kube-flannel|calico-system|calico-apiserver|tigera-operator|local-path-storage)$/;

/** Returns what keeps containers of these pods from running, the first of each pod. */
export function troublesIn(pods: readonly Pod[]): PodTrouble[] {
  return pods.flatMap((pod) => {
    const { metadata, status } = pod;
    for (const one of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
      const { reason, message } = one.state?.waiting ?? {};
      if (!reason || reason === 'ContainerCreating' || reason === 'PodInitializing') continue;
      const last = one.lastState?.terminated;
      const ended = last ? `it ended with exit status ${last.exitCode}${last.message ? `: ${last.message}` : ''}` : '';
      return [
        {
          ...{ pod, name: `${metadata?.namespace}/${metadata?.name}`, container: one.name, image: one.image, reason },
          message: oneLine(reason === 'CrashLoopBackOff' && ended ? ended : (message ?? '')),
          restarts: one.restartCount,
        },
      ];
    }
    return [];
  });
}

/** Returns a text without its line breaks. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, '; ');
}

/** Tells passing troubles from fatal ones: by time, or by how often a container crashed. */
export class TroubleWatch {
  readonly #since = new Map<string, number>();

  /** Returns the first trouble that has lasted too long at a time, in ms. To be called each time with all pods. */
  fatalIn(pods: readonly Pod[], now: number): PodTrouble | undefined {
    const troubles = troublesIn(pods);
    const current = new Set(troubles.map(keyOf));
    for (const key of this.#since.keys()) if (!current.has(key)) this.#since.delete(key);
    for (const trouble of troubles) if (!this.#since.has(keyOf(trouble))) this.#since.set(keyOf(trouble), now);
    return troubles.find((trouble) => this.#isFatal(trouble, now - (this.#since.get(keyOf(trouble)) ?? now)));
  }

  #isFatal({ pod, reason, message, restarts }: PodTrouble, lastedMs: number): boolean {
    // The embedded engine pulls nothing, and says itself what to do.
    if (FINAL.includes(reason) || message.includes('embedded engine') || message.includes('--engine')) return true;
    if (reason === 'CrashLoopBackOff') {
      return restarts >= (SYSTEM.test(pod.metadata?.namespace ?? '') ? CRASHES.system : CRASHES.own);
    }
    return lastedMs >= (GRACE_MS[reason] ?? Number.POSITIVE_INFINITY);
  }
}

/** The kubelet says ErrImagePull and ImagePullBackOff in turn. */
function keyOf({ name, container, reason }: PodTrouble): string {
  return `${name} ${container} ${/Image/.test(reason) ? 'image' : reason}`;
}

/** Describes a trouble in one line, with the last line of the container's log if it has run. */
export async function describeTrouble(cluster: Cluster, trouble: PodTrouble): Promise<string> {
  const { name, pod, reason, message, restarts } = trouble;
  const [last] = (await lastWords(cluster, trouble)).slice(-1);
  const crashes = restarts > 0 ? ` (${restarts} restart${restarts === 1 ? '' : 's'})` : '';
  const words = [message, last && `its log ends: ${last}`].filter(Boolean).join('; ');
  return `pod ${name} on ${pod.spec?.nodeName ?? 'no node'}: ${reason}${crashes}${words ? `: ${words}` : ''}`;
}

/** Returns the failure that names a trouble, with the last lines of the container's log. */
export async function troubleFailure(cluster: Cluster, trouble: PodTrouble): Promise<Failure> {
  const { name, pod, image, reason, message, restarts } = trouble;
  const isImage = reason.includes('Image');
  const canPull = isImage && !message.includes('--engine');
  const crashes = restarts > 0 ? ` after ${restarts} restart${restarts === 1 ? '' : 's'}` : '';
  const what = `pod ${name} on ${pod.spec?.nodeName ?? 'no node'} cannot start: ${reason}${crashes}${isImage ? `, image ${image}` : ''}`;
  const detail = [message, ...(await lastWords(cluster, trouble))].filter(Boolean).join('\n');
  return labFailure(what, {
    ...(detail ? { detail } : {}),
    ...(canPull ? { remedy: 'wglab pull fetches all images of a lab, if there is a network' } : {}),
  });
}

const LOG_LINES = 5;

/** The last lines of a container that has run; nothing if its log cannot be read. */
async function lastWords(cluster: Cluster, { pod, container, restarts }: PodTrouble): Promise<string[]> {
  if (restarts === 0) return [];
  const log = await cluster.log(pod, container, { lines: LOG_LINES, previous: true }).catch(() => '');
  return log.split('\n').filter((line) => line.trim() !== '');
}
