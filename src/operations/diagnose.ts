import { diagnose, type Finding, type NodeFindings } from '../cni/calico/diagnosis.ts';
import { type Family, IPV4, IPV6 } from '../cni/calico/families.ts';
import {
  type CalicoNode,
  calicoNode,
  calicoNodeV6,
  calicoReadGroup,
  podBlocks,
  wireguardDevice,
} from '../cni/calico/keys.ts';
import { labFailure, lackingFailure, messageOf } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { KubeObject } from '../kube/objects.ts';
import { finish, type NodeShell, UnprobedNode } from '../process/node-shell.ts';

type Fields = Family['fields'];

interface FelixConfiguration extends KubeObject {
  spec?: { [field in Fields['enabled']]?: boolean } & { [field in Fields['interface']]?: string } & {
    [field in Fields['port'] | 'wireguardRoutingRulePriority']?: number;
  } & { routeSource?: string };
}

export interface Diagnosis {
  findings: Finding[];
  /** Nodes that could not be asked, and why: of them only what they publish is judged. */
  unprobed: { node: string; reason: string }[];
}

/**
 * Why encryption is not in force: every link of the chain on every node, for IPv4 and then, on nodes that have it, for IPv6. Throws
 * Failure 4 where the cluster has no Calico.
 */
export async function diagnoseCluster(cluster: Cluster, shell: NodeShell): Promise<Diagnosis> {
  const [nodes, configurations, blocksOf] = await Promise.all([
    cluster.nodes(),
    listOf<FelixConfiguration>(cluster, 'FelixConfiguration'),
    podBlocks(cluster),
  ]);
  if (!configurations) {
    throw lackingFailure('the cluster has no Calico, and wglab knows the chain of no other encryption', {
      remedy: 'wglab verify looks at any cluster.',
    });
  }
  const findings = (published: readonly CalicoNode[], family: Family) =>
    Promise.all(
      published.map(async (node): Promise<NodeFindings> => {
        const felix = felixOf(configurations, node.name, family);
        const portBy = configuredBy(configurations, node.name, family.fields.port);
        const blocks = routesBlocks(configurations) ? blocksOf(node.name, family.version) : [];
        return { ...node, ...(await factsOf(shell, node, felix, family)), felix, portBy, blocks };
      }),
    );
  const [four, six] = await Promise.all([
    findings(nodes.map(calicoNode), IPV4),
    findings(
      nodes.flatMap((node) => calicoNodeV6(node) ?? []),
      IPV6,
    ),
  ]);
  const unprobed = four.flatMap(({ name, unprobed: reason }) => (reason === undefined ? [] : [{ node: name, reason }]));
  return { findings: [...diagnose(four), ...diagnose(six, IPV6)], unprobed };
}

/** All objects of a kind of Calico's, by whichever of its API groups the cluster serves it; undefined where none does. */
async function listOf<T extends object>(cluster: Cluster, kind: string): Promise<T[] | undefined> {
  const group = await calicoReadGroup(cluster, kind);
  return group === undefined ? undefined : (await cluster.list<T>(group, kind)).items;
}

type Facts = Pick<
  NodeFindings,
  'kernel' | 'wireguard' | 'dropping' | 'detours' | 'device' | 'underlayMtu' | 'unprobed'
>;

/** What the node says of itself, or why it says nothing: one that cannot be asked keeps no other from being judged. */
async function factsOf(
  shell: NodeShell,
  node: CalicoNode,
  felix: NodeFindings['felix'],
  family: Family,
): Promise<Facts> {
  try {
    const [facts, device] = await Promise.all([
      askNode(shell, node, felix, family),
      wireguardDevice(shell, node.name, felix.interface, family.version),
    ]);
    return { ...facts, ...(device ? { device } : {}) };
  } catch (error) {
    const unprobed = error instanceof UnprobedNode ? error.reason : messageOf(error);
    return { kernel: '', wireguard: 'none', dropping: [], detours: [], unprobed };
  }
}

/** `default`, and over it what is said for this node alone. */
function felixOf(
  configurations: readonly FelixConfiguration[],
  node: string,
  { fields, defaults }: Family,
): NodeFindings['felix'] {
  const spec = { ...named(configurations, 'default'), ...named(configurations, `node.${node}`) };
  return {
    enabled: spec[fields.enabled] ?? false,
    by: configuredBy(configurations, node, fields.enabled),
    interface: spec[fields.interface] ?? defaults.interface,
    port: spec[fields.port] ?? defaults.port,
    priority: spec.wireguardRoutingRulePriority ?? 99,
  };
}

function named(configurations: readonly FelixConfiguration[], name: string): FelixConfiguration['spec'] {
  return configurations.find(({ metadata }) => metadata?.name === name)?.spec;
}

/** With `WorkloadIPs`, nodes route single pods, and not the blocks that these are from. */
function routesBlocks(configurations: readonly FelixConfiguration[]): boolean {
  return named(configurations, 'default')?.routeSource !== 'WorkloadIPs';
}

function configuredBy(
  configurations: readonly FelixConfiguration[],
  node: string,
  field: keyof NonNullable<FelixConfiguration['spec']>,
): string {
  return named(configurations, `node.${node}`)?.[field] === undefined ? 'default' : `node.${node}`;
}

/** What the node itself says, a fact a line, tab-separated. */
const ASK_NODE = `printf 'kernel\\t%s\\n' "$(uname -r)"
if [ -d /sys/module/wireguard ] || modprobe -qn wireguard 2> /dev/null; then printf 'wireguard\\tkernel\\n'
elif command -v wireguard-go > /dev/null; then printf 'wireguard\\tuserspace\\n'
fi
ip -o "$4" address show | while read -r _ device _ address _; do
  case $address in "$2"/*) printf 'underlay\\t%s\\n' "$(cat "/sys/class/net/$device/mtu")" ;; esac
done
ip "$4" rule show | while read -r priority rule; do
  [ "\${priority%:}" -ge "$3" ] || case $rule in
    *'lookup local'* | *fwmark*) ;;
    *) printf 'detour\\t%s %s\\n' "$priority" "$rule" ;;
  esac
done
{ "$5-save"; nft list ruleset; } 2> /dev/null | grep -E "^\\*|dports? .*\\b$1\\b" | grep -iE '^\\*|drop|reject' |
  while read -r rule; do
    case $rule in
      \\**) table=\${rule#?} ;;
      -A*) printf 'dropping\\t%s -t %s %s\\n' "$5" "$table" "$rule" ;;
      *) printf 'dropping\\t%s\\n' "$rule" ;;
    esac
  done`;

async function askNode(
  shell: NodeShell,
  { name, address }: CalicoNode,
  { port, priority }: NodeFindings['felix'],
  { version, iptables }: Family,
) {
  const asked = [String(port), address, String(priority), `-${version}`, iptables];
  const argv = ['sh', '-c', ASK_NODE, 'ask', ...asked];
  const { status, stdout, stderr } = await finish(await shell(name, argv));
  if (status !== 0) throw labFailure(`cannot look at ${name}: ${stderr.trim() || `exit status ${status}`}`);
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  const values = (fact: string) => lines.flatMap(([key, value = '']) => (key === fact ? [value] : []));
  const [wireguard] = values('wireguard');
  const [underlay] = values('underlay');
  return {
    kernel: values('kernel')[0] ?? '',
    wireguard: known(wireguard),
    dropping: values('dropping'),
    detours: values('detour'),
    ...(underlay === undefined ? {} : { underlayMtu: Number(underlay) }),
  };
}

function known(wireguard: string | undefined): NodeFindings['wireguard'] {
  return wireguard === 'kernel' || wireguard === 'userspace' ? wireguard : 'none';
}
