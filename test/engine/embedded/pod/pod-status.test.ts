import { describe, expect, it } from 'vitest';
import { type ContainerState, podStatus } from '../../../../src/engine/embedded/pod/pod-status.ts';

const spec = { name: 'c', image: 'busybox' };
const waiting: ContainerState = { spec, state: 'waiting', restartCount: 0 };
const running: ContainerState = { spec, state: 'running', startedAt: '2026-01-01T00:00:00Z', restartCount: 0 };
const ended = (exitCode: number): ContainerState => ({ spec, state: 'terminated', exitCode, restartCount: 0 });

const NONE = { host: ['172.18.0.3'], pod: [] };
const BOTH = { host: ['172.18.0.3', 'fc00::3'], pod: ['192.168.0.1', 'fd00::1'] };

function statusOf(
  containers: ContainerState[],
  restartPolicy = 'Always',
  init: ContainerState[] = [],
  addresses = BOTH,
) {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { restartPolicy } };
  return podStatus(pod, containers, init, addresses) as Record<string, unknown> & {
    conditions: { type: string; status: string; lastTransitionTime: string }[];
  };
}

describe('the phase of a pod', () => {
  it.each<[string, ContainerState[], string, ContainerState[], string]>([
    ['nothing has begun', [waiting], 'Always', [], 'Pending'],
    ['its init container runs', [waiting], 'Always', [running], 'Pending'],
    ['one container runs', [running, waiting], 'Always', [], 'Running'],
    ['it restarts', [{ ...waiting, restartCount: 1 }], 'Always', [], 'Running'],
    ['it ended and would restart', [ended(1)], 'Always', [], 'Running'],
    ['all ended well', [ended(0), ended(0)], 'Never', [], 'Succeeded'],
    ['all ended well on failure', [ended(0)], 'OnFailure', [], 'Succeeded'],
    ['one failed, and none runs', [ended(0), ended(3)], 'Never', [], 'Failed'],
    ['one failed, and one runs', [running, ended(3)], 'Never', [], 'Running'],
    ['one failed, and would restart', [ended(3)], 'OnFailure', [], 'Running'],
    ['its init container failed', [waiting], 'Never', [ended(1)], 'Failed'],
  ])('is right if %s', (_, containers, policy, init, phase) => {
    expect(statusOf(containers, policy, init).phase).toBe(phase);
  });
});

describe('the conditions of a pod', () => {
  const held = (status: ReturnType<typeof statusOf>) =>
    status.conditions.filter((one) => one.status === 'True').map((one) => one.type);

  it('say that it is ready once all containers run', () => {
    expect(held(statusOf([running, waiting]))).toEqual(['PodReadyToStartContainers', 'Initialized', 'PodScheduled']);
    expect(held(statusOf([running, running]))).toContain('Ready');
    expect(held(statusOf([running], 'Always', [ended(1)]))).not.toContain('Ready');
    expect(held(statusOf([waiting], 'Always', [], NONE))).not.toContain('PodReadyToStartContainers');
  });

  it('keep the time of their last change', () => {
    const before = statusOf([running]).conditions.map((one) => ({
      ...one,
      lastTransitionTime: '2020-01-01T00:00:00Z',
    }));
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: {}, status: { conditions: before } };
    const after = podStatus(pod, [waiting], [], BOTH) as { conditions: typeof before };
    const timeOf = (type: string) => after.conditions.find((one) => one.type === type)?.lastTransitionTime;
    expect(timeOf('Initialized')).toBe('2020-01-01T00:00:00Z');
    expect(timeOf('Ready')).not.toBe('2020-01-01T00:00:00Z');
  });
});

it('the addresses of a pod are those of both families, and absent before it has any', () => {
  expect(statusOf([running])).toMatchObject({
    podIP: '192.168.0.1',
    podIPs: [{ ip: '192.168.0.1' }, { ip: 'fd00::1' }],
    hostIP: '172.18.0.3',
    hostIPs: [{ ip: '172.18.0.3' }, { ip: 'fc00::3' }],
  });
  expect(statusOf([waiting], 'Always', [], NONE)).not.toHaveProperty('podIP');
});

it('a container shows its state, why it waits, and how its last run ended', () => {
  const last = { exitCode: 139, reason: 'Error' };
  const crashed = { ...waiting, reason: 'CrashLoopBackOff', message: 'back-off', restartCount: 2, last };
  expect(statusOf([crashed]).containerStatuses).toEqual([
    {
      ...{ name: 'c', image: 'busybox', imageID: '', containerID: '', ready: false, started: false, restartCount: 2 },
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      lastState: { terminated: last },
    },
  ]);
});
