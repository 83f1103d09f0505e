import { messageOf } from '../../../errors.ts';
import type { Cluster } from '../../../kube/cluster.ts';
import type { AppliedObject } from '../../../kube/object.ts';
import type { KubeObject } from '../../../kube/objects.ts';
import type { Check } from '../../../machine/check.ts';
import { DEFAULT_IMAGES, daemonSetsOf, namespaceOf } from '../workloads.ts';

const ENFORCE = 'pod-security.kubernetes.io/enforce';
const NAME = 'wglab-doctor';

/** The namespace in which the pod is tried: the lab's own is not there yet, and most rules of a cluster spare its kube-system. */
const TRIED_IN = 'default';

/**
 * Checks whether the cluster would accept the probe pod, which is privileged and in the node's own network: its namespace and the pod are created
 * as a dry run, which goes through all admission and keeps nothing.
 */
export async function privilegedPodsCheck(cluster: Cluster): Promise<Check> {
  const check = { name: 'privileged pods', needed: 'privileged pods with host network in a namespace of their own' };
  const refusedBecause = (what: string, error: unknown): Check => ({
    ...check,
    ...judged(messageOf(error)),
    seen: `${what} is refused: ${messageOf(error)}`,
  });
  let level: string | undefined;
  try {
    const made = await cluster.post<KubeObject>(namespaceOf(NAME, 'doctor', 'nobody'), { dryRun: true });
    level = made.metadata?.labels?.[ENFORCE];
  } catch (error) {
    return refusedBecause('the namespace', error);
  }
  if (level !== 'privileged') {
    const remedy = `have ${ENFORCE}=privileged allowed on namespaces whose name begins with wglab-`;
    return { ...check, ok: false, seen: `the cluster makes the namespace's label ${ENFORCE} ${level ?? 'go'}`, remedy };
  }
  try {
    await cluster.post(probePod(), { dryRun: true });
    return { ...check, ok: true, seen: 'allowed (tried without creating any)' };
  } catch (error) {
    // This is the level of the namespace in which it is tried; the lab's own has a label that allows it, and may keep it.
    if (!/violates PodSecurity/i.test(messageOf(error))) return refusedBecause('a probe pod', error);
    return { ...check, ok: true, seen: `allowed in wglab's own namespace, though not in "${TRIED_IN}" (PodSecurity)` };
  }
}

/** Anything but a judgement of such pods is only a warning. */
function judged(said: string): Pick<Check, 'ok' | 'remedy'> {
  if (/cannot create resource|dry ?run/i.test(said)) {
    return { ok: 'warning', remedy: 'have an administrator allow you to create it: what a pod may do was not tried' };
  }
  return { ok: false, remedy: 'have the rule that refuses it leave out namespaces whose name begins with wglab-' };
}

interface Template {
  template: { metadata: { labels: { [key: string]: string } }; spec: object };
}

function probePod(): AppliedObject {
  const [probe] = daemonSetsOf(TRIED_IN, 'doctor', DEFAULT_IMAGES, []);
  const { template } = (probe?.spec ?? {}) as Template;
  const metadata = { name: NAME, namespace: TRIED_IN, labels: template.metadata.labels };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec };
}
