import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure, labFailure, messageOf } from '../../errors.ts';
import type { Reporter } from '../../process/reporter.ts';
import { makePrivateFolder, storageFailure } from '../../state/whole-file.ts';
import type { StartRequest } from '../engine.ts';
import { untilApiAnswers } from './api-ready.ts';
import { ensureCaptureTools } from './capture-tools.ts';
import { ANSWER_MS, type Container, containersOf, docker, networks, requireDocker } from './docker.ts';
import { nameFailure } from './explain.ts';
import { type ImageListener, requireImage } from './images.ts';
import { inspectLab } from './inspect.ts';
import { prepareKubeconfig, requireKubeconfig } from './kubeconfig.ts';
import { LOAD_MS, loadImages } from './load-images.ts';
import { type LogLine, stepOf } from './log-lines.ts';
import { type NodeWatch, watchNodes } from './node-watch.ts';
import { type Plan, writePlan } from './plan.ts';
import { type DeploymentRecord, deploymentFiles, expectedContainers, readRecord, writeRecord } from './record.ts';
import { askForRoot, type Containerlab, findContainerlab, runContainerlab } from './tool.ts';

/** The needs of every part of the deployment: the lab's files, and who receives its reports. */
export interface Surroundings
  extends Pick<StartRequest, 'folder' | 'kubeconfig' | 'logFile' | 'signal'>,
    Pick<Reporter, 'update' | 'info' | 'timed'> {
  progress: (step: string) => void;
  /** To be called once the API answers. */
  serving: () => void;
}

/** Returns the surroundings of a deployment that is wanted. */
export function surroundings(request: StartRequest, reporter: Reporter, serving: () => void): Surroundings {
  const { folder, kubeconfig, logFile, signal } = request;
  return {
    ...{ folder, kubeconfig, logFile, signal, serving, timed: reporter.timed },
    progress: (step) => reporter.step(step),
    update: (text) => reporter.update(text),
    info: (text) => reporter.info(text),
  };
}

/** kind itself waits at most 4 minutes for kubeadm; a machine may be slow, and images are here before. */
const CREATE_MS = 15 * 60_000;
/** How long nodes that run already may take to answer; else they are made again. */
const STANDING_MS = 60_000;
const START_MS = 60_000;

/**
 * Brings up what a plan says, or what is missing of it. `images` are those that pods will want: where they are on this machine they are
 * put onto the nodes while these start.
 */
export async function deployPlan(
  plan: Plan,
  images: () => Promise<readonly string[]>,
  around: Surroundings,
): Promise<void> {
  const { folder, kubeconfig, logFile, signal, timed } = around;
  around.progress(`Asking Docker and containerlab (at most ${ANSWER_MS / 1000} s each)`);
  await requireDocker();
  await writeFile(logFile, '', { flag: 'a', mode: 0o600 }).catch((error) => {
    throw storageFailure(error, `write ${logFile}`);
  });
  const present = await containersOf(plan.record);
  const known = readRecord(folder);
  if (!known && present.length > 0) throw nameFailure(plan.record.lab, present.map(({ name }) => name).join(', '));
  const record: DeploymentRecord = { ...plan.record, networksBefore: known?.networksBefore ?? (await networks()) };
  const tool = await findContainerlab();
  const { cluster, nodes } = record;
  if (await runsWhole(record, present, around)) {
    around.info(`the nodes run already: ${nodes.join(', ')}`);
    await timed('images onto the nodes', 'tool', () => loadWanted(images, nodes, signal, around));
  } else {
    await create(tool, plan, record, images, around);
  }
  signal.throwIfAborted();
  if (cluster === undefined) return;
  around.progress('Waiting for the Kubernetes API');
  await requireKubeconfig(kubeconfig, cluster);
  await timed('the Kubernetes API', 'cluster', () =>
    untilApiAnswers(kubeconfig, nodes, { update: around.update, signal }),
  );
  around.serving();
  // Calico starts meanwhile.
  await timed('tcpdump and wg onto the nodes', 'tool', () => ensureTools(record, around));
}

/** Returns whether all containers are there and, once they run, the API answers. Starts those that a reboot has stopped. */
async function runsWhole(
  record: DeploymentRecord,
  present: readonly Container[],
  around: Surroundings,
): Promise<boolean> {
  const expected = expectedContainers(record);
  if (!expected.every((name) => present.some((container) => container.name === name))) return false;
  if (present.some(({ state }) => state === 'created')) return false; // never started: its links and its cluster are not made
  const stopped = present.filter(({ state }) => state !== 'running').map(({ name }) => name);
  // containerlab's links go with the container that had them: only kind's nodes can be started again.
  if (stopped.some((name) => !record.nodes.includes(name))) return false;
  if (stopped.length > 0) {
    around.progress(`Starting ${stopped.join(', ')} again (at most ${START_MS / 1000} s)`);
    await around.timed('docker start', 'tool', () => docker(['start', ...stopped], { timeoutMs: START_MS }));
  }
  if (record.cluster === undefined) return true;
  try {
    await requireKubeconfig(around.kubeconfig, record.cluster);
    around.progress('Waiting for the Kubernetes API');
    const waiting = { update: around.update, signal: around.signal, timeoutMs: STANDING_MS };
    await around.timed('the Kubernetes API', 'cluster', () =>
      untilApiAnswers(around.kubeconfig, record.nodes, waiting),
    );
    return true;
  } catch (error) {
    around.signal.throwIfAborted();
    around.info(
      `what is there does not answer, so it is made again: ${error instanceof Error ? error.message : error}`,
    );
    return false;
  }
}

async function create(
  tool: Containerlab,
  plan: Plan,
  record: DeploymentRecord,
  images: () => Promise<readonly string[]>,
  around: Surroundings,
): Promise<void> {
  const { folder, kubeconfig, logFile, progress, signal, timed } = around;
  const files = deploymentFiles(folder, record.lab);
  const listener: ImageListener = { step: progress, update: around.update };
  if (tool.by === 'sudo') {
    around.info('containerlab needs root: sudo runs it, and may ask for your password');
    await timed("sudo's question for the password", 'tool', askForRoot);
  }
  const names = new Map<string, string>();
  for (const image of plan.images) {
    names.set(image, await timed(`image ${image}`, 'tool', () => requireImage(image, listener, signal)));
  }
  const nodeImage = plan.cluster?.image;
  const nodeImageHere = nodeImage === undefined ? undefined : names.get(nodeImage);
  if (nodeImageHere !== nodeImage) around.info(`the node image is here as ${nodeImageHere}, without its digest`);

  await makePrivateFolder(files.folder);
  await writeRecord(folder, record); // before anything is made: whoever comes next knows what to remove
  await prepareKubeconfig(kubeconfig);
  await writePlan(plan, files, kubeconfig, nodeImageHere);
  progress(`Making the ${plan.cluster ? 'nodes' : 'containers'} (at most ${CREATE_MS / 60_000} min)`);
  const unwanted = new AbortController();
  const logs = join(dirname(folder), '.logs', record.lab);
  let watch: NodeWatch | undefined;
  let loading: Promise<unknown> | undefined;
  const load = () => {
    loading ??= timed('images onto the nodes', 'tool', () =>
      loadWanted(images, record.nodes, AbortSignal.any([signal, unwanted.signal]), around),
    );
    loading.catch(() => undefined); // heard below
  };
  const hopeless = new AbortController();
  const watchOn = () => {
    watch ??= watchNodes(record.nodes, logs, around.info);
    watch.hopeless.addEventListener('abort', () => hopeless.abort(watch?.hopeless.reason));
  };
  try {
    const hear = (line: LogLine) => {
      const step = stepOf(line);
      if (step !== undefined) progress(step);
      else around.update(line.text);
      // From here on all of kind's containers run, and containerd in them.
      if (!step?.startsWith('kind: Starting control-plane')) return;
      load();
      watchOn();
    };
    const either = AbortSignal.any([signal, hopeless.signal]);
    const args = ['deploy', '--topo', files.topology, '--reconfigure'];
    const limits = { limitMs: CREATE_MS, doing: 'making the nodes' };
    await timed('containerlab', 'tool', () =>
      runContainerlab(tool, { args, cwd: files.folder, ...limits, logFile, signal: either, hear }),
    );
    await watch?.end();
    await requireContainers(tool, record, files.topology);
    if (record.nodes.length > 0) progress(`Putting images onto the nodes (at most ${LOAD_MS / 60_000} min)`);
    load();
    await loading;
  } catch (error) {
    unwanted.abort();
    const [why] = await Promise.all([watch?.end(), loading?.catch(() => undefined)]);
    signal.throwIfAborted();
    throw why ?? error;
  }
}

/** Loads the images that the lab wants. Without a network the list may be unknown: then nodes pull them, and say so if they cannot. */
async function loadWanted(
  images: () => Promise<readonly string[]>,
  nodes: readonly string[],
  signal: AbortSignal,
  { info, update }: Surroundings,
): Promise<void> {
  if (nodes.length === 0) return;
  const wanted = await images().catch((error) => {
    info(`no images are put onto the nodes beforehand: ${messageOf(error)}`);
    return [];
  });
  // This saves time and needs no network; if it fails, nodes pull by themselves, and a pod that cannot is named.
  const loaded = await loadImages(wanted, nodes, update, signal).catch((error) => {
    signal.throwIfAborted();
    const detail = error instanceof Failure ? error.detail?.split('\n').at(-1) : undefined;
    info(`${messageOf(error)}, so that nodes pull it${detail ? ` (${detail})` : ''}`);
    return [];
  });
  if (loaded.length > 0) info(`put onto the nodes: ${loaded.join(', ')}`);
}

/** containerlab may end well and have made less than it was asked for. */
async function requireContainers(tool: Containerlab, record: DeploymentRecord, topology: string): Promise<void> {
  const running = (await containersOf(record)).filter(({ state }) => state === 'running').map(({ name }) => name);
  const missing = expectedContainers(record).filter((name) => !running.includes(name));
  if (missing.length === 0) return;
  const seen = await inspectLab(tool, topology);
  const words = Array.isArray(seen)
    ? seen.map(({ name, state, status }) => `${name}: ${state}, ${status}`)
    : [seen.said];
  throw labFailure(`containerlab ended well, but these do not run: ${missing.join(', ')}`, {
    detail: ['containerlab inspect says:', ...words].join('\n'),
    remedy: `docker logs ${missing[0]}`,
  });
}

/** Only the cluster's nodes are looked at on the wire. */
async function ensureTools({ nodes }: DeploymentRecord, { update, info }: Surroundings): Promise<void> {
  if (nodes.length === 0) return;
  const done = await ensureCaptureTools(nodes, update);
  if (done !== undefined) info(done);
}
