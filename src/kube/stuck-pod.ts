import { type Failure, labFailure } from '../errors.ts';
import type { Pod } from './objects.ts';

/** Waiting reasons of the kubelet that do not pass while a person waits: what is asked for is not there, or not allowed. */
const STUCK = [
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
];

/** A failure that names the first container that cannot start, and why; undefined where all may still come. */
export function stuckPod(pods: readonly Pod[]): Failure | undefined {
  for (const { metadata, spec, status } of pods) {
    for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
      const { reason, message } = container.state?.waiting ?? {};
      if (!reason || !STUCK.includes(reason)) continue;
      const where = `pod ${metadata?.namespace}/${metadata?.name} on ${spec?.nodeName ?? 'no node'}`;
      const isImage = reason.includes('Image');
      // The embedded engine pulls nothing, and says itself what to do.
      const canPull = isImage && !message?.includes('--engine');
      return labFailure(`${where} cannot start: ${reason}${isImage ? `, image ${container.image}` : ''}`, {
        ...(message === undefined ? {} : { detail: message }),
        ...(canPull ? { remedy: 'wglab pull fetches all images of a lab, where there is a network' } : {}),
      });
    }
  }
  return undefined;
}
