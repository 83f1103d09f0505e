import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labFailure } from '../../errors.ts';
import { makePrivateFolder, writeWhole } from '../../state/whole-file.ts';

/** Everything kept of a deployment, so that it can be found again and removed; Docker knows what of it runs. */
export interface DeploymentRecord {
  /** The lab's name in containerlab; also its label on the containers of kind `linux`. */
  lab: string;
  /** The kind cluster's name, if there is one; also its label on the nodes. */
  cluster?: string;
  /** The cluster's nodes, which are named as their containers. */
  nodes: string[];
  /** The nodes outside the cluster, by their names in the topology. */
  linux: string[];
  /** Docker networks that were there before: only others are removed with the lab. */
  networksBefore: string[];
}

/** The files of a deployment, which only this engine looks into. One lab a folder: `containerlab destroy` takes what it finds there. */
export interface DeploymentFiles {
  folder: string;
  record: string;
  topology: string;
  kindConfig: string;
  /** The folder that containerlab makes next to the topology. */
  labFolder: string;
}

export function deploymentFiles(folder: string, lab: string): DeploymentFiles {
  const own = ownFolder(folder);
  return {
    folder: own,
    record: join(own, 'deployment.json'),
    topology: join(own, 'topology.clab.yml'),
    kindConfig: join(own, 'kind.yml'),
    labFolder: join(own, `clab-${lab}`),
  };
}

/** In the state folder of a lab. */
export function ownFolder(folder: string): string {
  return join(folder, 'containerlab');
}

/** The name of a node's container. kind names its own; containerlab puts the lab's name before the others. */
export function containerOf(record: DeploymentRecord, node: string): string | undefined {
  if (record.nodes.includes(node)) return node;
  return record.linux.includes(node) ? `clab-${record.lab}-${node}` : undefined;
}

/** The names of all containers that a deployment consists of. */
export function expectedContainers(record: DeploymentRecord): string[] {
  return [...record.nodes, ...record.linux.map((node) => `clab-${record.lab}-${node}`)];
}

export async function writeRecord(folder: string, record: DeploymentRecord): Promise<void> {
  await makePrivateFolder(ownFolder(folder));
  await writeWhole(deploymentFiles(folder, record.lab).record, `${JSON.stringify(record, null, 2)}\n`);
}

/** Returns the record of a state folder; undefined if nothing was begun there. Throws a lab failure if it is broken. */
export function readRecord(folder: string): DeploymentRecord | undefined {
  const file = join(ownFolder(folder), 'deployment.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
  const record = parsed(text);
  if (record) return record;
  throw labFailure(`${file} is broken: it does not say which containers the lab has`, {
    remedy: `Look for them with \`docker ps -a\`, remove them with \`docker rm -f -v\`, and then remove ${ownFolder(folder)}.`,
  });
}

function parsed(text: string): DeploymentRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<DeploymentRecord> | null;
    const { lab, nodes, linux, networksBefore } = value ?? {};
    const whole = [nodes, linux, networksBefore].every(Array.isArray) && typeof lab === 'string' && lab !== '';
    return whole ? (value as DeploymentRecord) : undefined;
  } catch {
    return undefined; // the caller says what this means
  }
}
