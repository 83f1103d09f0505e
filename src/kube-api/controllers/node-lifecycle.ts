import { type ControllerContext, reconcileOnChange } from './controller.ts';
import type { Node, Taint } from './kinds.ts';
import { isSameTaint, NOT_READY, taintsOfState, UNREACHABLE, UNSCHEDULABLE } from './node-fit.ts';
import { modify } from './object-cache.ts';

/** The taints that follow a node's state; all others are the user's. */
const FOLLOWING = [NOT_READY, UNREACHABLE, UNSCHEDULABLE];

/** Writes the taints that say that a node is not ready or cordoned, and takes them away again. */
export function runNodeLifecycle(context: ControllerContext): () => void {
  return reconcileOnChange(context, 'node-controller', ['Node'], () => {
    for (const node of context.cache.list('Node')) {
      const taints = planTaints(node);
      if (!taints) continue;
      modify(context.store, 'Node', node, (object) => {
        const { taints: _, ...spec } = object.spec ?? {};
        object.spec = taints.length > 0 ? { ...spec, taints } : spec;
      });
    }
  });
}

/** The taints that the node should have, or undefined where it has them. */
function planTaints(node: Node): Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const wanted = taintsOfState(node);
  const isWanted = (taint: Taint) => wanted.some((other) => isSameTaint(other, taint));
  const kept = present.filter((taint) => !isFollowing(taint) || isWanted(taint));
  const added = wanted.filter((taint) => !present.some((other) => isSameTaint(other, taint)));
  return kept.length === present.length && added.length === 0 ? undefined : [...kept, ...added];
}

function isFollowing({ key, effect }: Taint): boolean {
  return FOLLOWING.includes(key) && effect === 'NoSchedule';
}
