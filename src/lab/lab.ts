import { resolve } from 'node:path';
import { type CalicoConfig, calicoConfigOf } from './calico.ts';
import { readDocument } from './document.ts';
import { type ClusterConfig, clusterConfigOf, withWorkers } from './kind-config.ts';
import { findLab, type LabDefinition } from './lab-definition.ts';
import { type Manifest, manifestsOf, readManifests } from './manifests.ts';
import { inputFailure } from './problem.ts';
import { readTopology, type Topology } from './topology.ts';

/** A lab with the contents of all its files, checked against each other. */
export interface Lab {
  definition: LabDefinition;
  topology: Topology;
  cluster: ClusterConfig;
  /** Undefined in a lab with another CNI. */
  calico: CalicoConfig | undefined;
  /** Manifests that install and set up the CNI. */
  cniManifests: Manifest[];
  workloads: Manifest[];
}

/** Changes that a user may ask for to what the lab's own files say. */
export interface LabOverrides {
  /** The path of another containerlab topology. */
  topology?: string;
  /** Another number of workers than the kind configuration has. */
  workers?: number;
  /** Another image for the nodes, on engines whose nodes have one. */
  nodeImage?: string;
}

/** Reads a lab, by its name or by the path of its file, and all files that it names. Throws a usage failure with places. */
export async function readLab(nameOrPath: string, overrides: LabOverrides = {}): Promise<Lab> {
  return readLabFiles(await findLab(nameOrPath), overrides);
}

/** Reads all files that a lab names. Throws a usage failure with places. */
export async function readLabFiles(definition: LabDefinition, overrides: LabOverrides = {}): Promise<Lab> {
  const written = await readTopology(
    overrides.topology === undefined ? definition.topology : resolve(overrides.topology),
  );
  const topology = overrides.nodeImage === undefined ? written : { ...written, image: overrides.nodeImage };
  const clusterFile = await readDocument(topology.kindConfig);
  const config = clusterConfigOf(clusterFile, topology.cluster);
  const cluster = overrides.workers === undefined ? config : withWorkers(config, topology.cluster, overrides.workers);
  refuseSharedNames(topology, cluster);
  refuseMissingContainers(topology, cluster);
  const cniManifests = await readManifests(definition.cni.manifests);
  const workloads = await readManifests(definition.workloads);
  // Checked together: an object may not be in both.
  manifestsOf([...cniManifests, ...workloads].map((manifest) => manifest.document));
  const calico = definition.cni.name === 'calico' ? calicoConfigOf(cniManifests, cluster, clusterFile) : undefined;
  return { definition, topology, cluster, calico, cniManifests, workloads };
}

/** containerlab would wait a quarter of an hour for a container that kind does not make. */
function refuseMissingContainers({ external }: Topology, { nodes, file }: ClusterConfig): void {
  const names = nodes.map(({ name }) => name);
  const missing = external.filter(({ name }) => !names.includes(name));
  if (missing.length === 0) return;
  throw inputFailure(
    missing.map(({ name, place }) => ({
      place,
      message: `the cluster has no node "${name}": ${file} says ${names.join(', ')}`,
    })),
  );
}

/** A command is sent to a node by its name alone. */
function refuseSharedNames({ linux }: Topology, cluster: ClusterConfig): void {
  const shared = linux.filter(({ name }) => cluster.nodes.some((node) => node.name === name));
  if (shared.length === 0) return;
  const remedy = 'Give the node of kind linux another name.';
  throw inputFailure(
    shared.map(({ name, place }) => ({
      place,
      message: `"${name}" is the name of a node of the cluster, too`,
      remedy,
    })),
  );
}
