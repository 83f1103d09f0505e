import { setTimeout as sleep } from 'node:timers/promises';
import { labFailure, messageOf } from '../../errors.ts';

/** kubeadm has waited for the API already; a node that Docker started again needs about half a minute. */
const READY_MS = 120_000;
const AGAIN_MS = 300;

interface Waiting {
  update: (text: string) => void;
  signal: AbortSignal;
  timeoutMs?: number;
}

/** Waits until the API of a kubeconfig lists all those nodes. Throws failure 5 that says what was last seen. */
export async function untilApiAnswers(kubeconfig: string, nodes: readonly string[], waiting: Waiting): Promise<void> {
  const { update, signal, timeoutMs = READY_MS } = waiting;
  const { Cluster } = await import('../../kube/cluster.ts');
  const until = performance.now() + timeoutMs;
  let last = '';
  while (performance.now() < until) {
    signal.throwIfAborted();
    try {
      const there = (await Cluster.connect(kubeconfig).nodes()).map(({ metadata }) => metadata?.name);
      const missing = nodes.filter((node) => !there.includes(node));
      if (missing.length === 0) return;
      last = `it does not know yet: ${missing.join(', ')}`;
    } catch (error) {
      last = messageOf(error);
    }
    update(`the Kubernetes API, for at most ${timeoutMs / 1000} s (${last})`);
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
  signal.throwIfAborted();
  throw labFailure(`the Kubernetes API did not answer within ${timeoutMs / 1000} s: ${last}`, {
    remedy: 'docker logs of the control-plane node tells why; wglab deploy --keep keeps it',
  });
}
