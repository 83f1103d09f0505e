import type { Record } from '../record.ts';
import type { NodeSession } from './node-session.ts';
import type { PlannedProbe } from './plan.ts';
import type { ProbePod } from './probe-pod.ts';

type Route = NonNullable<Record['routes']>[number];

/** Asks each node by which interface it sends what its probe pod sends to the others': `ip route get`, as evidence. */
export async function routesOf(
  sessions: readonly NodeSession[],
  pods: ReadonlyMap<string, ProbePod>,
  probes: readonly PlannedProbe[],
): Promise<Route[]> {
  const byNode = new Map(sessions.map((session) => [session.node, session]));
  const asked = probes.map(async ({ from, to, family }): Promise<Route | undefined> => {
    const source = pods.get(from)?.addresses.get(family);
    const target = pods.get(to)?.addresses.get(family);
    const session = byNode.get(from);
    if (!session || !source || !target) return undefined;
    const { interface: device, text } = await session.route(target, source);
    return { node: from, to: target, from: source, interface: device, text };
  });
  return (await Promise.all(asked)).filter((route) => route !== undefined);
}
