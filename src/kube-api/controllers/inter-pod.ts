import type { KubeObject } from '../../kube/object.ts';
import { selects } from '../../kube/selectors.ts';
import type { Node, Pod, PodAffinity, PodAffinityTerm } from './kinds.ts';

/** A pod and the node that it is on. */
export interface PlacedPod {
  pod: Pod;
  node: Node;
}

/** The consequences of the placed pods for one that is not placed yet, node by node. */
export interface InterPodRules {
  /** Why the pod must not go there, in Kubernetes' words; undefined where it may. */
  objection(node: Node): string | undefined;
  /** Points for preferred affinity, less those for preferred anti-affinity. */
  preference(node: Node): number;
}

const AFFINITY_NOT_MET = "node(s) didn't match pod affinity rules";

/** Objections that the removal of other pods could lift: the wording of Kubernetes' message about preemption depends on it. */
export const ANTI_AFFINITY_NOT_MET = "node(s) didn't match pod anti-affinity rules";
export const EXISTING_ANTI_AFFINITY_NOT_MET = "node(s) didn't satisfy existing pods anti-affinity rules";

/**
 * Works out pod affinity and anti-affinity for one pod, once for all nodes. Anti-affinity is symmetric: a placed pod that
 * wants the newcomer away keeps it away. Order and rules as in Kubernetes' InterPodAffinity plugin.
 */
export function interPodRules(
  pod: Pod,
  placed: readonly PlacedPod[],
  namespaces: readonly KubeObject[],
): InterPodRules {
  const selected = (term: PodAffinityTerm) => placed.filter((other) => termSelects(term, pod, other.pod, namespaces));
  const affinity = required(pod.spec?.affinity?.podAffinity);
  const together = new Set(
    affinity.length === 0
      ? []
      : placed.filter((other) => affinity.every((term) => termSelects(term, pod, other.pod, namespaces))),
  );
  // The first pod of a group that wants to be together would wait for ever: it may start where it matches its own terms.
  const startsGroup = together.size === 0 && affinity.every((term) => termSelects(term, pod, pod, namespaces));
  const near = affinity.map((term) => ({ key: term.topologyKey, values: domains(term, [...together]) }));
  const apart = required(pod.spec?.affinity?.podAntiAffinity).map((term) => ({
    key: term.topologyKey,
    values: domains(term, selected(term)),
  }));
  const keptAway = placed.flatMap((other) =>
    required(other.pod.spec?.affinity?.podAntiAffinity)
      .filter((term) => termSelects(term, other.pod, pod, namespaces))
      .map((term) => ({ key: term.topologyKey, values: domains(term, [other]) })),
  );
  const preferences = [
    ...preferred(pod.spec?.affinity?.podAffinity).map(({ weight, podAffinityTerm }) => ({ weight, podAffinityTerm })),
    ...preferred(pod.spec?.affinity?.podAntiAffinity).map(({ weight, podAffinityTerm }) => ({
      weight: -weight,
      podAffinityTerm,
    })),
  ].map(({ weight, podAffinityTerm: term }) => ({ weight, topologyKey: term.topologyKey, pods: selected(term) }));

  return {
    objection(node) {
      const value = (key: string) => node.metadata.labels?.[key];
      const within = ({ key, values }: { key: string; values: Set<string> }) => values.has(value(key) ?? '\0');
      if (affinity.some(({ topologyKey }) => value(topologyKey) === undefined)) return AFFINITY_NOT_MET;
      if (!startsGroup && !near.every(within)) return AFFINITY_NOT_MET;
      if (apart.some(within)) return ANTI_AFFINITY_NOT_MET;
      return keptAway.some(within) ? EXISTING_ANTI_AFFINITY_NOT_MET : undefined;
    },
    preference(node) {
      return preferences.reduce((sum, { weight, topologyKey, pods }) => {
        const value = node.metadata.labels?.[topologyKey];
        const count = pods.filter((other) => other.node.metadata.labels?.[topologyKey] === value).length;
        return value === undefined ? sum : sum + weight * count;
      }, 0);
    },
  };
}

/** Whether a term of `owner` speaks of `other`: namespace and labels. */
function termSelects(term: PodAffinityTerm, owner: Pod, other: Pod, namespaces: readonly KubeObject[]): boolean {
  return inNamespaces(term, owner, other, namespaces) && selects(term.labelSelector, other.metadata.labels);
}

function inNamespaces(term: PodAffinityTerm, owner: Pod, other: Pod, namespaces: readonly KubeObject[]): boolean {
  const { namespace } = other.metadata;
  if (!term.namespaces?.length && !term.namespaceSelector) return namespace === owner.metadata.namespace;
  if (namespace !== undefined && term.namespaces?.includes(namespace)) return true;
  const labels = namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels;
  return selects(term.namespaceSelector, labels);
}

function domains({ topologyKey }: PodAffinityTerm, pods: readonly PlacedPod[]): Set<string> {
  return new Set(pods.flatMap(({ node }) => node.metadata.labels?.[topologyKey] ?? []));
}

function required(affinity: PodAffinity | undefined): PodAffinityTerm[] {
  return affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function preferred(affinity: PodAffinity | undefined) {
  return affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}
