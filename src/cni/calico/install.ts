import { setTimeout as sleep } from 'node:timers/promises';
import { labFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { DaemonSet, Deployment, KubeObject } from '../../kube/objects.ts';
import { describeTrouble, oneLine, TroubleWatch, troubleFailure, troublesIn } from '../../kube/pod-trouble.ts';
import type { Manifest } from '../../lab/manifests.ts';
import type { Timed } from '../../process/reporter.ts';
import { type CalicoSource, DEFAULT_CALICO, FETCH_MS, readRelease } from './release.ts';

export interface CalicoInstall {
  source: CalicoSource;
  /** The lab's resources for Calico: Installation, APIServer, FelixConfiguration. */
  manifests: readonly Manifest[];
  /** Applies some of them, in their order. */
  apply: (manifests: readonly Manifest[]) => Promise<void>;
  /** A step begins; what it waits for now. */
  step: (text: string) => void;
  update: (text: string) => void;
  /** Does what is not wglab's own work. */
  timed: Timed;
  signal: AbortSignal;
  /** How long each wait may take, in ms. */
  limitMs?: number;
}

/** Calico's images are 400 MB in all, and each node pulls them; the project's own scripts wait twice as long. */
const LIMIT_MS = 600_000;
const AGAIN_MS = 500;
const AT_ONCE = 8;

const OPERATOR_GROUP = 'operator.tigera.io';
const OPERATOR = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'tigera-operator', namespace: 'tigera-operator' },
};
const CALICO_NODE = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'calico-node', namespace: 'calico-system' },
};

/**
 * Installs Calico by its operator, in the order that works: CustomResourceDefinitions, operator, what the lab asks the operator
 * for, and once the operator has made that, what goes through Calico's own API. Where the cluster has the operator's kinds built
 * in, the lab's manifests are all there is to apply. Safe to do again. Throws failure 5 that says what was last seen.
 */
export async function installCalico(cluster: Cluster, install: CalicoInstall): Promise<void> {
  const { manifests, apply, step, signal } = install;
  step('Installing Calico');
  if (await hasKindsBuiltIn(cluster)) return apply(manifests);
  const isOperators = ({ object }: Manifest) => object.apiVersion.startsWith(`${OPERATOR_GROUP}/`);
  const requests = manifests.filter(isOperators);
  const { version = DEFAULT_CALICO } = install.source;
  step(`Installing Calico ${version}: the operator`);
  await applyRelease(cluster, install);
  await untilOperatorRuns(cluster, requests, install);
  step(`Installing Calico ${version}: what the operator makes`);
  await apply(requests);
  const parts = requests.some(({ object }) => object.kind === 'APIServer') ? ['calico', 'apiserver'] : ['calico'];
  await untilAvailable(cluster, parts, install);
  const rest = manifests.filter((manifest) => !isOperators(manifest));
  await untilServed(cluster, rest, install);
  signal.throwIfAborted();
  await apply(rest);
}

/** A cluster that serves the operator's kinds and has no CustomResourceDefinitions, or none of it: they are its own. */
async function hasKindsBuiltIn(cluster: Cluster): Promise<boolean> {
  if (!(await cluster.serves(`${OPERATOR_GROUP}/v1`, 'Installation'))) return false;
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  if (!(await cluster.serves(definition.apiVersion, definition.kind))) return true;
  return (await cluster.get({ ...definition, metadata: { name: `installations.${OPERATOR_GROUP}` } })) === undefined;
}

async function applyRelease(cluster: Cluster, { source, signal, update, timed }: CalicoInstall): Promise<void> {
  update(`reading its manifests, at most ${FETCH_MS / 1000} s`);
  const objects = await timed("Calico's manifests", 'tool', () => readRelease(source, signal));
  const definitions = objects.filter(({ object }) => object.kind === 'CustomResourceDefinition');
  const others = objects.filter(({ object }) => object.kind !== 'CustomResourceDefinition');
  let done = 0;
  const queue = [...definitions];
  const apply = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      signal.throwIfAborted();
      await cluster.applyServerSide(next.object, next.text);
      done += 1;
      update(`${done} of ${definitions.length} CustomResourceDefinitions`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, apply));
  for (const { object, text } of others) {
    signal.throwIfAborted();
    await cluster.applyServerSide(object, text);
  }
}

/** Waits until the operator runs and the kinds that it will be asked by are served. */
async function untilOperatorRuns(
  cluster: Cluster,
  requests: readonly Manifest[],
  install: CalicoInstall,
): Promise<void> {
  await until(cluster, install, 'the Calico operator to run', async () => {
    const { status } = (await cluster.get<Deployment>(OPERATOR)) ?? {};
    if ((status?.availableReplicas ?? 0) < 1) return 'it does not run yet';
    return notServed(cluster, requests);
  });
}

interface TigeraStatus extends KubeObject {
  status?: { conditions?: { type: string; status: string; message?: string; reason?: string }[] };
}

/** Waits until the operator says that these parts are available and calico-node is ready on every node. */
async function untilAvailable(cluster: Cluster, parts: readonly string[], install: CalicoInstall): Promise<void> {
  await until(cluster, install, `Calico to be available (${parts.join(', ')})`, async () => {
    const missing = await Promise.all(parts.map((part) => whyUnavailable(cluster, part)));
    const { status } = (await cluster.get<DaemonSet>(CALICO_NODE)) ?? {};
    const [ready, wanted] = [status?.numberReady ?? 0, status?.desiredNumberScheduled ?? 0];
    const agents = wanted > 0 && ready === wanted ? [] : [`calico-node is ready on ${ready} of ${wanted} nodes`];
    const reasons = [...missing.flat(), ...agents];
    return reasons.length === 0 ? undefined : reasons.join('; ');
  });
}

async function whyUnavailable(cluster: Cluster, name: string): Promise<string[]> {
  const reference = { apiVersion: `${OPERATOR_GROUP}/v1`, kind: 'TigeraStatus', metadata: { name } };
  const conditions = (await cluster.get<TigeraStatus>(reference))?.status?.conditions ?? [];
  const holds = (type: string) =>
    conditions.find((condition) => condition.type === type && condition.status === 'True');
  if (holds('Available')) return [];
  const told = holds('Degraded') ?? holds('Progressing');
  return [`${name}: ${[told?.reason, told?.message].filter(Boolean).join(', ') || 'nothing said yet'}`];
}

/** Calico's API server comes up after the operator has said so: its kinds are looked for until they are there. */
async function untilServed(cluster: Cluster, manifests: readonly Manifest[], install: CalicoInstall): Promise<void> {
  await until(cluster, install, "Calico's own kinds to be served", () => notServed(cluster, manifests));
}

/** The first kind that is not served yet, in words: a server takes a moment for each CustomResourceDefinition. */
async function notServed(cluster: Cluster, manifests: readonly Manifest[]): Promise<string | undefined> {
  for (const { object } of manifests) {
    if (!(await cluster.serves(object.apiVersion, object.kind))) return `no ${object.kind} in ${object.apiVersion}`;
  }
  return undefined;
}

/** Asks again and again until `missing` has nothing to say. A pod that cannot start ends the wait; what passes is named meanwhile. */
function until(
  cluster: Cluster,
  install: CalicoInstall,
  what: string,
  missing: () => Promise<string | undefined>,
): Promise<void> {
  return install.timed(what, 'cluster', () => untilNothingMissing(cluster, install, what, missing));
}

async function untilNothingMissing(
  cluster: Cluster,
  { signal, update, limitMs = LIMIT_MS }: CalicoInstall,
  what: string,
  missing: () => Promise<string | undefined>,
): Promise<void> {
  const impatient = cluster.during({ patienceMs: 0 });
  const watch = new TroubleWatch();
  const end = performance.now() + limitMs;
  let last = '';
  while (performance.now() < end) {
    signal.throwIfAborted();
    // The API may be away for a moment while its aggregated part starts.
    const seen = await missing().catch((error: Error) => error.message);
    if (seen === undefined) return;
    const pods = await impatient.pods().catch(() => []);
    const fatal = watch.fatalIn(pods, performance.now());
    if (fatal) throw await troubleFailure(impatient, fatal);
    last = [await troubleWords(impatient, pods), oneLine(seen)].filter(Boolean).join('; ');
    update(`waiting for ${what}, at most ${Math.round(limitMs / 1000)} s: ${last}`);
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
  signal.throwIfAborted();
  throw labFailure(`waited ${Math.round(limitMs / 1000)} s for ${what}; last seen: ${last}`, {
    remedy:
      'kubectl get tigerastatus, and kubectl describe pods -n calico-system, say more (wglab deploy --keep keeps the cluster)',
  });
}

/** Names the pods that hold things up, the first two of them. */
async function troubleWords(cluster: Cluster, pods: Parameters<typeof troublesIn>[0]): Promise<string> {
  const troubles = troublesIn(pods);
  const named = await Promise.all(troubles.slice(0, 2).map((trouble) => describeTrouble(cluster, trouble)));
  const more = troubles.length > named.length ? [`and ${troubles.length - named.length} more pods`] : [];
  return [...named, ...more].join('; ');
}
