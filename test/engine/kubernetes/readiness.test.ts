import { describe, expect, it } from 'vitest';
import { nodeState } from '../../../src/engine/kubernetes/readiness.ts';
import type { Pod } from '../../../src/kube/objects.ts';

const READY = { conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' };

function pod(role: string, status: object, spec: object = { nodeName: 'n1' }): Pod {
  return { metadata: { namespace: 'w', name: role, labels: { 'wglab.dev/role': role } }, spec, status } as Pod;
}

function waiting(reason: string, message: string, last = ''): object {
  const lastState = last ? { terminated: { message: last } } : {};
  return { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason, message } }, lastState }] };
}

describe('nodeState', () => {
  it('needs both pods to be ready', () => {
    expect(nodeState('n1', [pod('probe', READY), pod('proof', READY)], undefined).state).toBe('ready');
    const half = nodeState('n1', [pod('probe', READY)], undefined);
    expect(half).toMatchObject({ state: 'waiting', why: 'no proof pod yet' });
    expect(nodeState('n2', [pod('probe', READY), pod('proof', READY)], undefined).state).toBe('waiting');
  });

  it.each([
    ['ErrImagePull', false],
    ['ImagePullBackOff', true],
    ['InvalidImageName', true],
    ['CrashLoopBackOff', true],
    ['CreateContainerConfigError', false],
  ])('names the pod that cannot start for %s', (reason, hopeless) => {
    const pods = [pod('probe', waiting(reason, 'no such thing')), pod('proof', READY)];
    const state = nodeState('n1', pods, undefined);
    expect(state).toEqual({
      node: 'n1',
      state: 'failed',
      why: `pod w/probe cannot start: ${reason}: no such thing`,
      hopeless,
    });
  });

  it('says the last words of a container that ended', () => {
    const pods = [pod('probe', waiting('CrashLoopBackOff', 'back-off', 'fetching\nthe image lacks wg\n'))];
    expect(nodeState('n1', pods, undefined).why).toBe('pod w/probe cannot start: CrashLoopBackOff: the image lacks wg');
  });

  it('waits for what may come by itself, and says for what', () => {
    const pods = [pod('probe', waiting('ContainerCreating', '')), pod('proof', READY)];
    expect(nodeState('n1', pods, undefined)).toMatchObject({ state: 'waiting', why: 'pod w/probe: ContainerCreating' });
  });

  it('knows the node that an unscheduled pod is meant for', () => {
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['n1'] }];
    const required = { nodeSelectorTerms: [{ matchFields }] };
    const spec = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } };
    const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' };
    const state = nodeState('n1', [pod('probe', { conditions: [unschedulable] }, spec)], undefined);
    expect(state).toMatchObject({ state: 'failed', why: 'pod w/probe cannot be scheduled: no room' });
  });

  it('says why no pod can be made at all', () => {
    const state = nodeState('n1', [], 'violates PodSecurity "restricted"');
    expect(state).toMatchObject({ state: 'failed', why: 'violates PodSecurity "restricted"' });
  });
});
