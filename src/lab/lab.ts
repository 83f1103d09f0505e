import { type CalicoConfig, calicoConfigOf } from './calico.ts';
import { readDocument } from './document.ts';
import { type ClusterConfig, clusterConfigOf } from './kind-config.ts';
import { findLab, type LabDefinition } from './lab-definition.ts';
import { type Manifest, manifestsOf, readManifests } from './manifests.ts';
import { readTopology, type Topology } from './topology.ts';

/** A lab with everything that its files say, checked one against the other. */
export interface Lab {
  definition: LabDefinition;
  topology: Topology;
  cluster: ClusterConfig;
  calico: CalicoConfig;
  /** What installs and sets up the CNI. */
  cniManifests: Manifest[];
  workloads: Manifest[];
}

/** Reads a lab, by its name or by the path of its file, and all files that it names. Throws a usage failure with places. */
export async function readLab(nameOrPath: string): Promise<Lab> {
  const definition = await findLab(nameOrPath);
  const topology = await readTopology(definition.topology);
  const clusterFile = await readDocument(topology.kindConfig);
  const cluster = clusterConfigOf(clusterFile, topology.cluster);
  const cniManifests = await readManifests(definition.cni.manifests);
  const workloads = await readManifests(definition.workloads);
  // Once more together: an object may not be in both.
  manifestsOf([...cniManifests, ...workloads].map((manifest) => manifest.document));
  const calico = calicoConfigOf(cniManifests, cluster, clusterFile);
  return { definition, topology, cluster, calico, cniManifests, workloads };
}
