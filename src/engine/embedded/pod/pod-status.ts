import type { KubeObject } from '../../../kube/object.ts';
import type { ContainerSpec, PodSpec } from './pod-plan.ts';

/** The state of one container at a moment. */
export interface ContainerState {
  spec: ContainerSpec;
  state: 'waiting' | 'running' | 'terminated';
  reason?: string;
  message?: string;
  exitCode?: number;
  startedAt?: string;
  finishedAt?: string;
  restartCount: number;
  last?: { exitCode: number; reason: string; startedAt?: string; finishedAt?: string };
}

/** Kubernetes' time stamps: whole seconds, UTC. */
export function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/**
 * The status of a pod, from what its containers do: phase, conditions and container statuses as the kubelet reports them.
 * The pod has addresses once it is attached; IPv4's comes first.
 */
export function podStatus(
  pod: KubeObject,
  containers: readonly ContainerState[],
  initContainers: readonly ContainerState[],
  addresses: { host: readonly string[]; pod: readonly string[] },
): Record<string, unknown> {
  const initialized = initContainers.every((one) => one.state === 'terminated' && one.exitCode === 0);
  const ready = initialized && containers.every((one) => one.state === 'running');
  const before = (pod.status?.conditions ?? []) as Condition[];
  return {
    ...pod.status,
    phase: phaseOf(pod, containers, initContainers),
    conditions: [
      condition(before, 'PodReadyToStartContainers', addresses.pod.length > 0),
      condition(before, 'Initialized', initialized),
      condition(before, 'Ready', ready, ready ? undefined : 'ContainersNotReady'),
      condition(before, 'ContainersReady', ready, ready ? undefined : 'ContainersNotReady'),
      before.find(({ type }) => type === 'PodScheduled') ?? condition(before, 'PodScheduled', true),
    ],
    hostIP: addresses.host[0],
    hostIPs: addresses.host.map((ip) => ({ ip })),
    ...(addresses.pod.length > 0 && { podIP: addresses.pod[0], podIPs: addresses.pod.map((ip) => ({ ip })) }),
    startTime: pod.status?.startTime ?? now(),
    qosClass: 'BestEffort',
    ...(initContainers.length > 0 ? { initContainerStatuses: initContainers.map(containerStatus) } : {}),
    containerStatuses: containers.map(containerStatus),
  };
}

interface Condition {
  type: string;
  status: string;
  lastProbeTime: null;
  lastTransitionTime: string;
  reason?: string;
  [field: string]: unknown;
}

function condition(before: Condition[], type: string, holds: boolean, reason?: string): Condition {
  const status = holds ? 'True' : 'False';
  const old = before.find((one) => one.type === type);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now();
  return { type, status, lastProbeTime: null, lastTransitionTime, ...(reason ? { reason } : {}) };
}

function phaseOf(
  pod: KubeObject,
  containers: readonly ContainerState[],
  initContainers: readonly ContainerState[],
): string {
  const policy = (pod.spec as unknown as PodSpec).restartPolicy ?? 'Always';
  if (policy !== 'Always') {
    const failed = [...initContainers, ...containers].some((one) => one.state === 'terminated' && one.exitCode !== 0);
    const ended = containers.every((one) => one.state === 'terminated');
    if (ended && !failed) return 'Succeeded';
    if (failed && policy === 'Never' && !containers.some((one) => one.state === 'running')) return 'Failed';
  }
  const began = containers.some((one) => one.state !== 'waiting' || one.restartCount > 0);
  return began ? 'Running' : 'Pending';
}

function containerStatus(container: ContainerState): Record<string, unknown> {
  const { spec, state, reason, message, exitCode, startedAt, finishedAt, restartCount, last } = container;
  const running = state === 'running';
  const details = {
    waiting: { waiting: { reason: reason ?? 'ContainerCreating', ...(message ? { message } : {}) } },
    running: { running: { startedAt } },
    terminated: { terminated: { exitCode, reason: reason ?? 'Completed', startedAt, finishedAt } },
  };
  return {
    name: spec.name,
    image: spec.image,
    imageID: running ? 'wglab://busybox' : '',
    containerID: running ? `wglab://${spec.name}-${restartCount}` : '',
    ready: running,
    started: running,
    restartCount,
    state: details[state],
    lastState: last ? { terminated: last } : {},
  };
}
