import { resolve } from 'node:path';
import { calicoSourceOf } from '../cni/calico/source.ts';
import type { Engine } from '../engine/engine.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabDefinition } from '../lab/lab-definition.ts';
import type { Topology } from '../lab/topology.ts';
import { type LabState, makeLabFolder, saveLabState } from '../state/lab-state.ts';
import type { Deployed, DeployRequest, Work } from './deploy.ts';

/** A deployment that is to be. */
export interface Deployment {
  engine: Engine;
  definition: LabDefinition;
  /** The lab as its files say, read when first asked for. */
  lab: () => Promise<Lab>;
  name: string;
  request: DeployRequest;
  listener: Work;
  signal: AbortSignal;
}

/** Brings up a lab of which nothing is there, or what an engine takes up again. Throws a Failure; what was begun stays. */
export async function bringUp(deployment: Deployment): Promise<Deployed> {
  const { engine, definition, lab, name, request, listener, signal } = deployment;
  const { folder, kubeconfig, log } = await makeLabFolder(name);
  const begun: LabState = {
    version: 1,
    name,
    engine: engine.name,
    lab: definition.file,
    ...(engine.ownsCluster
      ? { topology: request.topology === undefined ? definition.topology : resolve(request.topology) }
      : {}),
    createdAt: new Date().toISOString(),
    nodes: [],
  };
  await saveLabState(begun);
  let serves: () => void = () => undefined;
  const serving = new Promise<void>((resolve) => {
    serves = resolve;
  });
  const failed = new AbortController();
  const up = engine
    .deploy({
      name,
      lab,
      folder,
      kubeconfig,
      logFile: log,
      progress: (step) => listener.step(step),
      serving: serves,
      update: (text) => listener.update(text),
      info: (text) => listener.info(text),
      images: async () => {
        const read = await lab();
        return (await import('../engine/containerlab/lab-images.ts')).podImages(read, calicoSourceOf(read, request));
      },
      signal,
      timed: listener.timed,
      ...(request.existing ? { existing: request.existing } : {}),
    })
    .catch(async (error) => {
      failed.abort();
      throw (await whyNoNamespaces(engine, signal)) ?? error;
    });
  // Loaded while the engine starts, which takes as long.
  const tools = Promise.all([
    import('../kube/cluster.ts'),
    import('./workloads.ts'),
    import('../cni/calico/install.ts'),
  ]);
  const told = Promise.race([serving, up]).then(async () =>
    tellWhatToRun(deployment, await tools, kubeconfig, AbortSignal.any([signal, failed.signal])),
  );
  // Where the engine ends, what is told it fails as well, and less is to be learnt from that.
  const [stands, cluster] = await Promise.allSettled([up, told]);
  signal.throwIfAborted();
  if (stands.status === 'rejected') throw stands.reason;
  if (cluster.status === 'rejected') throw cluster.reason;
  const state = await untilItRuns(deployment, cluster.value, begun);
  await saveLabState(state);
  signal.throwIfAborted(); // whoever is told "interrupted" finds no lab
  return { state, kubeconfig, ownsCluster: engine.ownsCluster, changed: true };
}

type Tools = [
  typeof import('../kube/cluster.ts'),
  typeof import('./workloads.ts'),
  typeof import('../cni/calico/install.ts'),
];

/** Installs the CNI and applies the workloads, where the cluster is the lab's own. */
async function tellWhatToRun(
  { engine, lab, request, listener }: Deployment,
  [{ Cluster }, { applyManifests }, { installCalico }]: Tools,
  kubeconfig: string,
  signal: AbortSignal,
): Promise<Cluster> {
  signal.throwIfAborted();
  const cluster = Cluster.connect(kubeconfig);
  if (!engine.ownsCluster) return cluster;
  const read = await lab();
  await installCalico(cluster, {
    source: calicoSourceOf(read, request),
    manifests: read.cniManifests,
    apply: (manifests) => applyManifests(cluster, manifests, signal),
    ...listener,
    signal,
  });
  listener.step('Deploying the workloads');
  await applyManifests(cluster, read.workloads, signal);
  return cluster;
}

/** Waits until nodes and workloads are ready, and gives the lab's state with what they are. */
async function untilItRuns(
  { engine, lab, listener: { timed, update }, signal }: Deployment,
  cluster: Cluster,
  begun: LabState,
): Promise<LabState> {
  if (engine.ownsCluster) {
    const { untilNodesReady, untilWorkloadsReady } = await import('./workloads.ts');
    await timed('nodes to be Ready', 'cluster', () => untilNodesReady(cluster, update, signal));
    await timed("the workloads' pods to be ready", 'cluster', () => untilWorkloadsReady(cluster, update, signal));
  }
  const linux = engine.ownsCluster ? linuxState((await lab()).topology) : {};
  const kubeNodes = await cluster.nodes();
  const dataplane = kubeNodes[0]?.metadata?.labels?.['wglab.dev/wireguard'];
  return {
    ...begun,
    ...linux,
    nodes: kubeNodes.map(({ metadata }) => metadata?.name ?? '').sort(byNumbersInThem),
    ...(dataplane === 'kernel' || dataplane === 'userspace' ? { dataplane } : {}),
  };
}

/** What is to be known of the nodes beside the cluster once the lab stands. */
function linuxState({ linux, links }: Topology): Pick<LabState, 'linux'> {
  if (linux.length === 0) return {};
  const ends = links.flatMap((link) => link.ends);
  return {
    linux: linux.map(({ name }) => ({
      name,
      interfaces: ends.filter(({ node }) => node === name).map((end) => end.interface),
    })),
  };
}

/** `worker2` before `worker10`. */
const byNumbersInThem = new Intl.Collator('en', { numeric: true }).compare;

/** Where the machine forbids namespaces, `unshare` alone says little. */
async function whyNoNamespaces(engine: Engine, signal: AbortSignal): Promise<Error | undefined> {
  if (engine.name !== 'embedded' || signal.aborted) return undefined;
  return (await import('../engine/embedded/doctor/preflight.ts')).explainUnshareFailure();
}
