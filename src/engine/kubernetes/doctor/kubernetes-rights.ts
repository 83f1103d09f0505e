import { calicoGroup } from '../../../cni/calico/keys.ts';
import type { Cluster } from '../../../kube/cluster.ts';
import type { Check } from '../../../machine/check.ts';

const REVIEW = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };

/** The namespace that a lab of the flagship's name has. */
const OWN = 'wglab-wireguard';

interface Right {
  verb: string;
  /** `pods/exec` is a part of a resource. */
  resource: string;
  group?: string;
  /** In the lab's own namespace; else everywhere. */
  own?: boolean;
}

/** The requests of the engine to the API, from deploy to destroy (engine/kubernetes; exec is a GET when it goes over WebSockets). */
const NEEDED: readonly Right[] = [
  ...['get', 'create', 'delete', 'watch'].map((verb) => ({ verb, resource: 'namespaces' })),
  ...['get', 'create'].map((verb) => ({ verb, resource: 'daemonsets', group: 'apps', own: true })),
  ...['get', 'create'].map((verb) => ({ verb, resource: 'pods/exec', own: true })),
  { verb: 'list', resource: 'events', own: true },
  { verb: 'watch', resource: 'pods', own: true },
  { verb: 'list', resource: 'pods' },
  { verb: 'list', resource: 'nodes' },
  { verb: 'list', resource: 'daemonsets', group: 'apps' },
];

interface Review {
  status?: { allowed?: boolean; reason?: string };
}

/** Checks whether the person may do what the engine does, and what turning encryption on wants besides. Asks, and changes nothing. */
export async function rightsChecks(cluster: Cluster): Promise<Check[]> {
  const calico = (await calicoGroup(cluster, 'FelixConfiguration'))?.split('/')[0];
  const may = (verb: string, resource: string): Right[] =>
    calico === undefined ? [] : [{ verb, resource, group: calico }];
  const ofCalico = ['felixconfigurations', 'ippools', 'blockaffinities'].flatMap((resource) => may('list', resource));
  const needed = [...NEEDED, ...may('get', 'felixconfigurations'), ...ofCalico];
  const check = { name: 'rights', needed: grouped(needed) };
  if (!(await cluster.serves(REVIEW.apiVersion, REVIEW.kind))) {
    const seen = 'this cluster does not tell who may do what (it has no SelfSubjectAccessReview): deploy will show it';
    return [{ ...check, ok: 'warning', seen }];
  }
  const [missing, toEncrypt] = await Promise.all([
    refused(cluster, needed),
    refused(cluster, may('patch', 'felixconfigurations')),
  ]);
  const rights: Check =
    missing.length === 0
      ? { ...check, ok: true, seen: `all ${needed.length} that wglab uses` }
      : { ...check, ok: false, seen: `you may not: ${missing.join(', ')}`, remedy: remedyFor(missing) };
  if (calico === undefined) return [rights];
  const encrypt = { name: 'right to encrypt', needed: `patch felixconfigurations.${calico}, for wglab encrypt alone` };
  if (toEncrypt.length === 0) return [rights, { ...encrypt, ok: true, seen: 'you may' }];
  return [rights, { ...encrypt, ok: 'warning', seen: 'you may not', remedy: remedyFor(toEncrypt) }];
}

function remedyFor(rights: readonly string[]): string {
  return `have an administrator give you a ClusterRole that allows: ${rights.join(', ')}`;
}

/** Those that the cluster does not grant, in words. */
async function refused(cluster: Cluster, rights: readonly Right[]): Promise<string[]> {
  const answers = await Promise.all(
    rights.map(async (right) => {
      const [resource, subresource] = right.resource.split('/');
      const resourceAttributes = {
        ...{ verb: right.verb, resource, group: right.group ?? '' },
        ...(subresource === undefined ? {} : { subresource }),
        ...(right.own ? { namespace: OWN } : {}),
      };
      const review = { ...REVIEW, metadata: { name: '' }, spec: { resourceAttributes } };
      const { status } = await cluster.post<Review>(review);
      return status?.allowed === true ? [] : [wordsOf(right)];
    }),
  );
  return answers.flat();
}

/** The verbs of each resource together. */
function grouped(rights: readonly Right[]): string {
  const verbs = new Map<string, string[]>();
  for (const right of rights) {
    const resource = wordsOf(right).slice(right.verb.length + 1);
    verbs.set(resource, [...(verbs.get(resource) ?? []), right.verb]);
  }
  return [...verbs].map(([resource, list]) => `${list.join('/')} ${resource}`).join(', ');
}

function wordsOf({ verb, resource, group, own }: Right): string {
  return `${verb} ${resource}${group === undefined ? '' : `.${group}`}${own ? ` in ${OWN}` : ''}`;
}
