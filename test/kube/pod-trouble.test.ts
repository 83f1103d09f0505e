import { describe, expect, test } from 'vitest';
import type { Pod } from '../../src/kube/objects.ts';
import { TroubleWatch, troublesIn } from '../../src/kube/pod-trouble.ts';

const pod = (reason: string, { namespace = 'x', restartCount = 0, message = '' } = {}) =>
  ({
    metadata: { namespace, name: 'p' },
    status: { containerStatuses: [{ name: 'c', image: 'i:1', restartCount, state: { waiting: { reason, message } } }] },
  }) as unknown as Pod;

const RUNNING = {
  metadata: { namespace: 'x', name: 'p' },
  status: { containerStatuses: [{ state: { running: {} } }] },
};

describe('a pod that does not run', () => {
  test.each(['ContainerCreating', 'PodInitializing'])('and is %s only takes its time', (reason) => {
    expect(troublesIn([pod(reason)])).toEqual([]);
  });

  test('of a passing reason is waited for, until it has lasted too long', () => {
    const watch = new TroubleWatch();
    const message = 'failed to sync configmap cache: timed out waiting for the condition';
    const creating = pod('CreateContainerConfigError', { message });
    expect(watch.fatalIn([creating], 0)).toBeUndefined();
    expect(watch.fatalIn([creating], 29_000)).toBeUndefined();
    expect(watch.fatalIn([creating], 30_000)?.reason).toBe('CreateContainerConfigError');
  });

  test('and ran meanwhile begins its time again', () => {
    const watch = new TroubleWatch();
    expect(watch.fatalIn([pod('ErrImagePull')], 0)).toBeUndefined();
    expect(watch.fatalIn([RUNNING as unknown as Pod], 9_000)).toBeUndefined();
    expect(watch.fatalIn([pod('ErrImagePull')], 11_000)).toBeUndefined();
    expect(watch.fatalIn([pod('ImagePullBackOff')], 21_000)?.reason).toBe('ImagePullBackOff');
  });

  test('is given up after some crashes, a pod of the cluster itself after more', () => {
    const watch = new TroubleWatch();
    const crashed = (restartCount: number, namespace: string) =>
      watch.fatalIn([pod('CrashLoopBackOff', { restartCount, namespace })], 0)?.restarts;
    expect([1, 2].map((count) => crashed(count, 'mine'))).toEqual([undefined, 2]);
    expect([4, 5].map((count) => crashed(count, 'calico-system'))).toEqual([undefined, 5]);
  });

  test.each([
    ['InvalidImageName', ''],
    ['ErrImagePull', 'it has no image "x"; try --engine containerlab'],
    ['CreateContainerConfigError', 'volume "v": the embedded engine has no nfs volumes'],
  ])('because of %s %s fails at once', (reason, message) => {
    expect(new TroubleWatch().fatalIn([pod(reason, { message })], 0)?.reason).toBe(reason);
  });
});
