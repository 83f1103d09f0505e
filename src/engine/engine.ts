import type { Lab } from '../lab/lab.ts';
import type { NodeShell } from './run.ts';

export type EngineName = 'embedded' | 'containerlab' | 'kubernetes';

/** How a lab is reached once it stands. */
export interface Access {
  kubeconfig: string;
  shell: NodeShell;
}

export interface DeployOptions {
  /** Of the deployment, not of the lab's file. */
  name: string;
  lab: Lab;
  /** The lab's state folder; it exists. */
  folder: string;
  kubeconfig: string;
  logFile: string;
  progress: (step: string) => void;
  signal: AbortSignal;
}

/** What makes a lab's cluster. Nothing above an engine asks which one it is. */
export interface Engine {
  readonly name: EngineName;
  /** Brings the cluster up, without CNI and workloads, and writes its kubeconfig. Idempotent where the cluster stands. */
  deploy(options: DeployOptions): Promise<void>;
  /** Whether the cluster of this state folder runs. */
  stands(folder: string): boolean;
  /** Takes all of the cluster away and checks that it is gone. From any state. */
  destroy(folder: string): Promise<void>;
  access(folder: string, kubeconfig: string): Access;
}
