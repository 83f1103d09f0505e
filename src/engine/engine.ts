import type { Failure } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import type { EngineReport } from '../machine/check.ts';
import type { NodeShell } from '../process/node-shell.ts';
import type { Reporter } from '../process/reporter.ts';
import type { EngineName } from '../state/engine-name.ts';

/** The ways into a running lab. */
export interface Access {
  kubeconfig: string;
  shell: NodeShell;
  /** The one namespace whose pods may carry the proof's traffic; undefined if the whole cluster is the lab's. */
  podNamespace?: string;
  /** Nodes that were left out on purpose when the lab was made, and in which words: no claim is about them. */
  outside?: ReadonlyMap<string, string>;
}

/** A cluster that is there already, and what wglab is to do in it. */
export interface ExistingCluster {
  /** The path of a kubeconfig; by default kubectl's own. */
  kubeconfig?: string;
  /** A context; by default the kubeconfig's current one. */
  context?: string;
  /** A label selector: the nodes to probe; by default all. */
  nodes?: string;
  /** Images of the pods that it makes. */
  probeImage?: string;
  proofImage?: string;
}

/** Everything that an engine needs to know to start the cluster of one lab. */
export interface StartRequest {
  /** The deployment's name, not the lab file's. */
  name: string;
  /** Returns the lab as its files describe it. They are read at the first call, so that an engine can start meanwhile. */
  lab: () => Promise<Lab>;
  /** The lab's state folder, which exists. */
  folder: string;
  kubeconfig: string;
  logFile: string;
  /** Returns the images that the lab's pods will want, for engines that can put them onto the nodes beforehand. */
  images?: () => Promise<readonly string[]>;
  existing?: ExistingCluster;
  signal: AbortSignal;
}

/** A cluster that is on its way. Both promises reject with the same error if it does not get there. */
export interface Start {
  /** Resolves once the API answers. Nodes may still be missing, but the CNI and the workloads can be applied. */
  readonly serving: Promise<void>;
  /** Resolves once the cluster has all its nodes. */
  readonly ready: Promise<void>;
}

/** Makes a Start of work that calls `serving` once the API answers. */
export function startOf(work: (serving: () => void) => Promise<void>): Start {
  let serves: () => void = () => undefined;
  const called = new Promise<void>((resolve) => {
    serves = resolve;
  });
  const ready = work(serves);
  const serving = Promise.race([called, ready]);
  serving.catch(() => undefined); // who waits for `ready` alone receives the error there
  return { serving, ready };
}

/** The engine makes a lab's cluster. Nothing above it asks which one it is. */
export interface Engine {
  readonly name: EngineName;
  /** Whether it makes the cluster: then the lab brings the CNI and the workloads. A cluster that existed before keeps its own. */
  readonly ownsCluster: boolean;
  /** Whether `deploy` continues what an earlier run left unfinished; what other engines left is removed first. */
  readonly resumes?: boolean;
  /** Checks what it needs of this machine, before anything is made. Throws a lacking Failure with the remedy. */
  preflight?(): Promise<void>;
  /** Brings the cluster up, without CNI and workloads, and writes its kubeconfig. Changes nothing if the cluster is running. */
  start(request: StartRequest, reporter: Reporter): Start;
  /** Returns a Failure that explains why `start` failed, if the machine itself is the reason; else undefined. */
  explain?(): Promise<Failure | undefined>;
  /** Returns whether the cluster of this state folder is running. Throws Failure 5 if that cannot be found out. */
  isRunning(folder: string): boolean | Promise<boolean>;
  /** Removes all of the cluster and checks that it is gone. It works from any state. */
  destroy(folder: string): Promise<void>;
  access(folder: string, kubeconfig: string): Access;
  /** Returns why `--engine auto` should not choose it here although its tools are installed; undefined if it should. */
  whyNot?(image: string | undefined): Promise<string | undefined>;
  /** Reports what this machine, or a cluster, has of what the engine needs. */
  doctor(request: DoctorRequest): Promise<EngineReport>;
  /** Brings all that a lab needs onto this machine, for use without a network. */
  pull?(request: PullRequest, reporter: Omit<Reporter, 'timed'>, signal: AbortSignal): Promise<Pulled>;
}

/** Which engine `doctor` is about, all if none is named; and which cluster, which is then examined closely. */
export interface DoctorRequest {
  engine?: EngineName;
  kubeconfig?: string;
  context?: string;
}

/** The things that `pull` fetches, and their sources. */
export interface PullRequest {
  lab: string;
  topology?: string;
  nodeImage?: string;
  calicoVersion?: string;
  calicoManifests?: string;
  /** A file to write all of it to, for a machine without a network. */
  save?: string;
  /** Such a file, to be read instead of the network. */
  load?: string;
}

/** The output of `pull -o json`. */
export interface Pulled {
  lab: string;
  /** All that the lab needs, and whether it is on this machine now. */
  images: { image: string; here: boolean }[];
  file: string | null;
}
