import { open, readFile, rm } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { labFailure, messageOf } from '../../errors.ts';
import { storageFailure, writeWhole } from '../../state/whole-file.ts';
import { docker } from './docker.ts';

const DOCKER_MS = 15_000;

/** Makes an empty file that is the user's: a program that writes into it as root, as kind does, leaves owner and mode as they are. */
export async function prepareKubeconfig(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
    // kind locks it by making this file, and fails if one that was killed has left it (pkg/cluster/internal/kubeconfig, lock.go).
    await rm(`${file}.lock`, { force: true });
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    throw storageFailure(error, `write ${file}`);
  }
}

/**
 * Makes sure that the user has a kubeconfig for the cluster: the one that kind wrote if it can be read and names the port
 * that the API has now (Docker gives another one when a node starts again), else one made of what the control plane keeps for itself.
 */
export async function requireKubeconfig(file: string, cluster: string): Promise<void> {
  const server = `https://${await publishedAddress(cluster)}`;
  const written = await readFile(file, 'utf8').catch(() => ''); // root's, or not there: it is made again
  if (written.includes(`server: ${server}\n`)) return;
  const controlPlane = `${cluster}-control-plane`;
  const admin = await docker(['exec', controlPlane, 'cat', '/etc/kubernetes/admin.conf'], {
    timeoutMs: DOCKER_MS,
  }).catch((error) => {
    throw labFailure(`the node ${controlPlane} has no kubeconfig to give`, { detail: messageOf(error) });
  });
  await writeWhole(file, kubeconfigFrom(admin, server, `kind-${cluster}`), 0o600);
}

/** `127.0.0.1:PORT`, where Docker publishes the API of a cluster's control plane, or of the balancer before several. */
async function publishedAddress(cluster: string): Promise<string> {
  const nodes = [`${cluster}-external-load-balancer`, `${cluster}-control-plane`];
  let said = '';
  for (const node of nodes) {
    try {
      const [first = ''] = (await docker(['port', node, '6443/tcp'], { timeoutMs: DOCKER_MS })).split('\n');
      if (first) return first.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[?::\]?:/, '[::1]:');
    } catch (error) {
      said = messageOf(error);
    }
  }
  throw labFailure(`Docker publishes no port of the API of the cluster "${cluster}"`, { detail: said });
}

interface Kubeconfig {
  clusters: { name: string; cluster: Record<string, unknown> }[];
  users: { name: string; user: unknown }[];
}

/** kubeadm's admin.conf for another address and under one name, as `kind get kubeconfig` gives it. */
export function kubeconfigFrom(admin: string, server: string, name: string): string {
  const { clusters, users } = parse(admin) as Kubeconfig;
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (!cluster || !user) throw labFailure("the control plane's admin.conf names no cluster or no user");
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { ...cluster, server } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
