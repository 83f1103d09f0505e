import { X509Certificate } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { Failure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { Record } from '../record.ts';

/** Identifies the cluster, and the namespaces that the probes ran in; fields that the cluster does not let us read are null or missing. */
export async function clusterIdentity(
  cluster: Cluster,
  namespaces: readonly string[],
): Promise<Pick<Record, 'cluster' | 'namespaces'>> {
  const [kubeSystemUid, ...uids] = await Promise.all(
    ['kube-system', ...namespaces].map((name) => namespaceUid(cluster, name)),
  );
  const known = namespaces.flatMap((name, i): [string, string][] => (uids[i] ? [[name, uids[i]]] : []));
  const { name, server, certificateAuthority } = cluster.identity;
  return {
    cluster: { name, server, caSha256: fingerprint(certificateAuthority), kubeSystemUid: kubeSystemUid ?? null },
    namespaces: Object.fromEntries(known),
  };
}

/** Returns who runs this process, and on which machine. */
export function runnerOf(): NonNullable<Record['runner']> {
  return { user: userName(), host: hostname() };
}

async function namespaceUid(cluster: Cluster, name: string): Promise<string | undefined> {
  try {
    const found = await cluster.get<KubeObject>({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const uid = found?.metadata?.uid;
    return uid !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(uid) ? uid : undefined;
  } catch (error) {
    if (error instanceof Failure) return undefined; // the person may not read namespaces
    throw error;
  }
}

/** Returns the SHA-256 digest of the first certificate's DER form. */
function fingerprint(pem: string | undefined): string | null {
  if (pem === undefined) return null;
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch {
    return null;
  }
}

/** Returns the user's name; a container may run as a user that has none. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
