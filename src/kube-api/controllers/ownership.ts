import type { KubeObject } from '../../kube/object.ts';
import type { LabelSelector } from '../../kube/selectors.ts';
import { selects } from '../../kube/selectors.ts';
import type { Store } from '../store.ts';
import { controllerOf, controllerReference, isTerminating } from './pods.ts';

type Dependent = Readonly<KubeObject<unknown, unknown>>;

interface Claims<T> {
  /** Controlled by the owner, and selected. */
  owned: T[];
  /** Selected, and nobody's. */
  adopt: T[];
  /** Controlled by the owner, but relabelled so that it does not select them any more: `kubectl label` sets a pod free. */
  release: T[];
}

/** Which objects of the owner's namespace belong to it, by Kubernetes' rules of adoption and release. */
export function planClaims<T extends Dependent>(owner: Dependent, selector: LabelSelector, candidates: readonly T[]) {
  const claims: Claims<T> = { owned: [], adopt: [], release: [] };
  for (const candidate of candidates) {
    if (candidate.metadata.namespace !== owner.metadata.namespace) continue;
    const controller = controllerOf(candidate);
    const selected = selects(selector, candidate.metadata.labels);
    if (controller?.uid === owner.metadata.uid) claims[selected ? 'owned' : 'release'].push(candidate);
    else if (!controller && selected && !isTerminating(candidate)) claims.adopt.push(candidate);
  }
  return claims;
}

/** Writes the adoptions and releases; what was adopted shows as owned at the next round, which the writes cause. */
export function applyClaims(store: Store, owner: Dependent, { adopt, release }: Claims<Dependent>): void {
  for (const { kind, metadata } of adopt) {
    store.modify(kind, metadata.namespace, metadata.name, (object) => {
      object.metadata.ownerReferences = [...(object.metadata.ownerReferences ?? []), controllerReference(owner)];
    });
  }
  for (const { kind, metadata } of release) {
    store.modify(kind, metadata.namespace, metadata.name, (object) => {
      object.metadata.ownerReferences = object.metadata.ownerReferences?.filter(
        ({ uid }) => uid !== owner.metadata.uid,
      );
    });
  }
}
