import type { ExistingCluster } from '../engine/engine.ts';
import type { CniName } from '../lab/cni-name.ts';
import type { EngineName } from '../state/engine-name.ts';
import type { LabState } from '../state/lab-state.ts';

/** A lab that is to be deployed, and how. */
export interface DeployRequest {
  /** A lab's name or the path of its file. */
  lab: string;
  /** The deployment's name; the lab's own if not given. */
  name?: string;
  engine: EngineName | 'auto';
  topology?: string;
  /** Another number of workers than the topology's. */
  workers?: number;
  /** Keep what was made if the deployment fails. */
  keep: boolean;
  /** The cluster to use, for an engine that makes none of its own. */
  existing?: ExistingCluster;
  /** Another image for the nodes, if the engine's nodes have one. */
  nodeImage?: string;
  /** Another version of Calico than the lab's; a folder with its release's manifests. */
  calicoVersion?: string;
  calicoManifests?: string;
  /** A file with what Cilium's chart renders. */
  ciliumManifest?: string;
  /** Another CNI than the lab's. */
  cni?: CniName;
}

/** A lab that is running. */
export interface Deployed {
  state: LabState;
  kubeconfig: string;
  /** False if the cluster existed before the lab. */
  ownsCluster: boolean;
  /** False if the lab was running already and nothing was changed. */
  changed: boolean;
}
