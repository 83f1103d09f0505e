import type { KubeObject } from '../../kube/object.ts';
import { attempt, type ControllerContext, reconcileOnChange } from './controller.ts';
import { deploymentStatus } from './deployment-status.ts';
import type { Deployment, DeploymentSpec, Pod, PodTemplate, ReplicaSet } from './kinds.ts';
import { hashOf, nameWithSuffix } from './names.ts';
import { modify, writeStatus } from './object-cache.ts';
import { applyClaims, planClaims } from './ownership.ts';
import { controllerOf, controllerReference, isReady, isTerminating, oldestFirst } from './pods.ts';
import { planScaling, type ScaledSet } from './rolling-update.ts';

const HASH_LABEL = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';

/** Keeps a ReplicaSet for each Deployment's present template, and moves the pods over from those of older ones. */
export function runDeployments(context: ControllerContext): () => void {
  return reconcileOnChange(context, 'deployment-controller', ['Deployment', 'ReplicaSet', 'Pod'], () => {
    for (const deployment of context.cache.list('Deployment')) {
      if (isTerminating(deployment)) continue;
      attempt(context, `reconciling deployment ${deployment.metadata.name}`, () => reconcile(context, deployment));
    }
  });
}

function reconcile(context: ControllerContext, deployment: Deployment): void {
  const { store, cache, record } = context;
  const { spec } = deployment;
  if (!spec) return;
  const claims = planClaims(deployment, spec.selector, cache.list('ReplicaSet'));
  applyClaims(store, deployment, claims);
  const plan = planDeployment(deployment, spec, [...claims.owned, ...claims.adopt], cache.list('Pod'), context.now());
  for (const { replicaSet, replicas } of plan.scale) {
    const from = replicaSet.spec?.replicas ?? 0;
    modify(store, 'ReplicaSet', replicaSet, (object) => {
      if (object.spec) object.spec.replicas = replicas;
    });
    const way = replicas > from ? 'up' : 'down';
    const message = `Scaled ${way} replica set ${replicaSet.metadata.name} from ${from} to ${replicas}`;
    record('deployment-controller', deployment, 'Normal', 'ScalingReplicaSet', message);
  }
  if (plan.create) {
    store.create(plan.create);
    const message = `Scaled up replica set ${plan.create.metadata.name} from 0 to ${plan.create.spec?.replicas}`;
    record('deployment-controller', deployment, 'Normal', 'ScalingReplicaSet', message);
  }
  if (plan.revise) annotate(context, 'ReplicaSet', plan.revise.replicaSet, plan.revise.revision);
  if (plan.revision !== undefined) annotate(context, 'Deployment', deployment, plan.revision);
  for (const { metadata } of plan.remove) store.remove('ReplicaSet', metadata.namespace, metadata.name);
  writeStatus(store, 'Deployment', deployment, plan.status);
}

function annotate(
  { store }: ControllerContext,
  kind: 'Deployment' | 'ReplicaSet',
  object: Readonly<KubeObject<unknown, unknown>>,
  revision: number,
): void {
  if (object.metadata.annotations?.[REVISION] === String(revision)) return;
  modify(store, kind, object, ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [REVISION]: String(revision) };
  });
}

interface DeploymentPlan {
  /** The ReplicaSet of a template that has none yet. */
  create?: ReplicaSet;
  scale: { replicaSet: ReplicaSet; replicas: number }[];
  /** An old ReplicaSet that came back, by `rollout undo`, and gets a new revision. */
  revise?: { replicaSet: ReplicaSet; revision: number };
  /** The Deployment's own revision; undefined while it has no ReplicaSet. */
  revision?: number;
  /** Old ReplicaSets beyond `revisionHistoryLimit`. */
  remove: ReplicaSet[];
  status: ReturnType<typeof deploymentStatus>;
}

/** One step from the ReplicaSets and pods that are there towards what the Deployment asks for. */
function planDeployment(
  deployment: Deployment,
  spec: DeploymentSpec,
  replicaSets: readonly ReplicaSet[],
  pods: readonly Pod[],
  now: Date,
): DeploymentPlan {
  const sets = [...replicaSets].sort(oldestFirst).map((replicaSet) => scaledSet(replicaSet, pods));
  const template = hashOf(withoutHash(spec.template));
  const current = sets.find(({ replicaSet }) => hashOf(withoutHash(replicaSet.spec?.template)) === template);
  const old = sets.filter((set) => set !== current);
  const newest = Math.max(0, ...old.map(({ replicaSet }) => revisionOf(replicaSet)));
  const revision = current && revisionOf(current.replicaSet) > newest ? revisionOf(current.replicaSet) : newest + 1;
  const scaling = planScaling(spec, current, old);
  const status = deploymentStatus(deployment, spec, { current, old }, now);
  const base = { scale: scaling.scale, remove: surplus(spec, old), status };
  if (current) return { ...base, revision, revise: { replicaSet: current.replicaSet, revision } };
  if (scaling.create === undefined) return base;
  return { ...base, revision, create: newReplicaSet(deployment, spec, template, scaling.create, revision) };
}

function scaledSet(replicaSet: ReplicaSet, pods: readonly Pod[]): ScaledSet {
  const own = pods.filter((pod) => controllerOf(pod)?.uid === replicaSet.metadata.uid);
  const live = own.filter((pod) => !isTerminating(pod));
  const available = live.filter(isReady).length;
  return { replicaSet, replicas: replicaSet.spec?.replicas ?? 0, pods: own.length, live: live.length, available };
}

function newReplicaSet(
  deployment: Deployment,
  { selector, template }: DeploymentSpec,
  hash: string,
  replicas: number,
  revision: number,
): ReplicaSet {
  const { name, namespace, annotations = {} } = deployment.metadata;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const inherited = Object.entries(annotations).filter(
    ([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration',
  );
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: nameWithSuffix(name, hash),
      namespace,
      labels,
      annotations: { ...Object.fromEntries(inherited), [REVISION]: String(revision) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Old ReplicaSets that hold nothing any more, oldest revisions first, as many as exceed the limit (Kubernetes' default is 10). */
function surplus({ revisionHistoryLimit = 10 }: DeploymentSpec, old: readonly ScaledSet[]): ReplicaSet[] {
  const idle = old.filter(({ replicas, pods }) => replicas === 0 && pods === 0).map(({ replicaSet }) => replicaSet);
  idle.sort((a, b) => revisionOf(a) - revisionOf(b));
  return idle.slice(0, Math.max(0, idle.length - revisionHistoryLimit));
}

function withoutHash(template: PodTemplate | undefined): unknown {
  const { [HASH_LABEL]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

function revisionOf(replicaSet: ReplicaSet): number {
  return Number(replicaSet.metadata.annotations?.[REVISION] ?? 0);
}
