import type { BatchStep } from './calico/dataplane/types.ts';

/** A node or a pod's sandbox, as a CNI's agent sees it: network namespaces in which it can carry out batches. */
export interface NetworkNamespace {
  /** A process in the namespaces, as the engine's own PID namespace counts. */
  readonly pid: number;
  readonly isAlive: boolean;
  /** Carries out a batch in these namespaces. Throws ToolError with what the tool printed if it fails. */
  run(step: BatchStep): Promise<void>;
  /** Returns argv that runs a command in these namespaces. Throws ToolError if they have ended. */
  enter(argv: readonly string[]): string[];
}

export interface NodeNamespace extends NetworkNamespace {
  readonly name: string;
}
