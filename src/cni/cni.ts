import type { Cluster } from '../kube/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import type { Manifest } from '../lab/manifests.ts';
import type { Reporter } from '../process/reporter.ts';

/** Choices about a CNI's release that the user may make beyond what the lab says. */
export interface CniWishes {
  /** A file with what Cilium's chart renders. */
  ciliumManifest?: string;
  calicoVersion?: string;
  calicoManifests?: string;
}

export interface CniInstall {
  lab: Lab;
  wishes: CniWishes;
  /** Applies manifests in their order. */
  apply: (manifests: readonly Manifest[]) => Promise<void>;
  reporter: Reporter;
  signal: AbortSignal;
}

/** The operations that every CNI offers, so that nothing above asks which one a lab uses. */
export interface Cni {
  /** Installs it on a cluster whose API answers. Safe to repeat. Throws failure 5 that says what was last seen. */
  install(cluster: Cluster, options: CniInstall): Promise<void>;
  /** Returns the images that the lab's pods want, the CNI's own included. */
  podImages(lab: Lab, wishes: CniWishes): Promise<readonly string[]>;
}
