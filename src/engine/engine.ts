import type { Lab } from '../lab/lab.ts';
import type { NodeShell } from '../process/node-shell.ts';

export type EngineName = 'embedded' | 'containerlab' | 'kubernetes';

/** How a lab is reached once it stands. */
export interface Access {
  kubeconfig: string;
  shell: NodeShell;
  /** The one namespace whose pods may carry the proof's traffic; undefined where the whole cluster is the lab's. */
  podNamespace?: string;
  /** Nodes that were left out on purpose when the lab was made, and in which words: no claim is about them. */
  outside?: ReadonlyMap<string, string>;
}

/** A cluster that is there already, and what wglab is to do in it. */
export interface ExistingCluster {
  /** The path of a kubeconfig; kubectl's own where not given. */
  kubeconfig?: string;
  /** The kubeconfig's current one where not given. */
  context?: string;
  /** A label selector: the nodes to probe. All where not given. */
  nodes?: string;
  /** Images of the pods that it makes. */
  probeImage?: string;
  proofImage?: string;
}

/** Who else than wglab takes time in a deployment: a tool or a download, or the cluster that gets ready. */
export type TimedBy = 'tool' | 'cluster';

/** Does work that is not wglab's own, so that its time can be told apart. */
export type Timed = <T>(name: string, of: TimedBy, work: () => Promise<T>) => Promise<T>;

export interface DeployOptions {
  /** Of the deployment, not of the lab's file. */
  name: string;
  /** The lab as its files say, read when first asked for: an engine may wake up meanwhile. */
  lab: () => Promise<Lab>;
  /** The lab's state folder; it exists. */
  folder: string;
  kubeconfig: string;
  logFile: string;
  progress: (step: string) => void;
  /** To be called once the API answers, though nodes may be in the making: what is to run can be told it from then on. */
  serving: () => void;
  /** What the present step waits for. */
  update: (text: string) => void;
  /** What is to be read whatever comes of it. */
  info: (text: string) => void;
  /** The images that the lab's pods will want, for engines that can put them onto the nodes beforehand. */
  images?: () => Promise<readonly string[]>;
  signal: AbortSignal;
  timed: Timed;
  existing?: ExistingCluster;
}

/** What makes a lab's cluster. Nothing above an engine asks which one it is. */
export interface Engine {
  readonly name: EngineName;
  /** Whether it makes the cluster: then the lab brings CNI and workloads. One that was there before has its own, and keeps them. */
  readonly ownsCluster: boolean;
  /** Whether `deploy` takes up what an earlier run left half-way; what is left of other engines' is taken away before. */
  readonly resumes?: boolean;
  /**
   * Brings the cluster up, without CNI and workloads, and writes its kubeconfig. Idempotent where the cluster stands. In a cluster
   * that was there before, it makes what the proof needs.
   */
  deploy(options: DeployOptions): Promise<void>;
  /** Whether the cluster of this state folder runs. Throws Failure 5 where that cannot be found out. */
  stands(folder: string): boolean | Promise<boolean>;
  /** Takes all of the cluster away and checks that it is gone. From any state. */
  destroy(folder: string): Promise<void>;
  access(folder: string, kubeconfig: string): Access;
}
