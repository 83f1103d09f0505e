import type { Cluster } from '../../kube/cluster.ts';
import { ExecRefusal } from '../../kube/exec.ts';
import type { Pod } from '../../kube/objects.ts';
import { type NodeShell, UnprobedNode } from '../../process/node-shell.ts';
import { nodeOf, podState } from './readiness.ts';
import { ROLE } from './workloads.ts';

/**
 * Runs commands on nodes by exec into their probe pods. A node without one that is ready throws UnprobedNode; `reasons` are
 * those of the deployment, for nodes that have no pod at all. Pods come and go: what is not found is looked for once more.
 */
export function probeShell(
  connect: () => Promise<Cluster>,
  namespace: string,
  reasons: { [node: string]: string },
): NodeShell {
  let known: Promise<Map<string, Pod>> | undefined;
  const look = async () => {
    const pods = await (await connect()).list<Pod>('v1', 'Pod', namespace, `${ROLE}=probe`);
    return new Map(pods.items.map((pod) => [nodeOf(pod) ?? '', pod]));
  };
  const readyPod = async (node: string, again: boolean): Promise<Pod> => {
    if (again) known = undefined;
    known ??= look();
    const asked = known;
    const pod = (
      await asked.catch((error) => {
        if (known === asked) known = undefined;
        throw error;
      })
    ).get(node);
    if (!pod) throw new UnprobedNode(node, reasons[node] ?? `it has no probe pod in the namespace ${namespace}`);
    const { state, why } = podState(pod);
    if (state !== 'ready') throw new UnprobedNode(node, why);
    return pod;
  };
  return async (node, argv, options = {}) => {
    const cluster = await connect();
    const run = async (again: boolean) =>
      cluster.execInPod(await readyPod(node, again), argv, { ...options, container: 'probe' });
    return run(false).catch((error) => {
      if (error instanceof ExecRefusal && (error.code === 404 || error.code === 400)) return run(true);
      throw error;
    });
  };
}
