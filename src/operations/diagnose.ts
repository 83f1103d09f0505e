import { type CalicoNode, calicoGroup, calicoNode, wireguardDevice } from '../cni/calico.ts';
import { diagnose, type Finding, type NodeFindings } from '../cni/diagnosis.ts';
import { finish, type NodeShell, UnprobedNode } from '../engine/run.ts';
import { labFailure, lackingFailure, messageOf } from '../errors.ts';
import type { Cluster } from '../kube/cluster.ts';
import type { KubeObject } from '../kube/objects.ts';

interface FelixConfiguration extends KubeObject {
  spec?: {
    wireguardEnabled?: boolean;
    wireguardInterfaceName?: string;
    wireguardListeningPort?: number;
    wireguardRoutingRulePriority?: number;
  };
}

interface BlockAffinity extends KubeObject {
  spec?: { cidr?: string; node?: string; deleted?: string | boolean };
}

export interface Diagnosis {
  findings: Finding[];
  /** Nodes that could not be asked, and why: of them only what they publish is judged. */
  unprobed: { node: string; reason: string }[];
}

/** Why encryption is not in force: every link of the chain on every node. Throws Failure 4 where the cluster has no Calico. */
export async function diagnoseCluster(cluster: Cluster, shell: NodeShell): Promise<Diagnosis> {
  const [nodes, configurations, affinities] = await Promise.all([
    cluster.nodes(),
    listOf<FelixConfiguration>(cluster, 'FelixConfiguration'),
    listOf<BlockAffinity>(cluster, 'BlockAffinity'),
  ]);
  if (!configurations) {
    throw lackingFailure('the cluster has no Calico, and wglab knows the chain of no other encryption', {
      remedy: 'wglab verify looks at any cluster.',
    });
  }
  const blocksOf = (node: string) =>
    (affinities ?? []).flatMap(({ spec }) =>
      spec?.node === node && String(spec.deleted) !== 'true' ? (spec.cidr ?? []) : [],
    );
  const all = await Promise.all(
    nodes.map(calicoNode).map(async (node): Promise<NodeFindings> => {
      const felix = felixOf(configurations, node.name);
      const portBy = configuredBy(configurations, node.name, 'wireguardListeningPort');
      return { ...node, ...(await factsOf(shell, node, felix)), felix, portBy, blocks: blocksOf(node.name) };
    }),
  );
  const unprobed = all.flatMap(({ name, unprobed: reason }) => (reason === undefined ? [] : [{ node: name, reason }]));
  return { findings: diagnose(all), unprobed };
}

/** All objects of a kind of Calico's, by whichever of its API groups the cluster serves it; undefined where none does. */
async function listOf<T extends object>(cluster: Cluster, kind: string): Promise<T[] | undefined> {
  const group = await calicoGroup(cluster, kind);
  return group === undefined ? undefined : (await cluster.list<T>(group, kind)).items;
}

type Facts = Pick<
  NodeFindings,
  'kernel' | 'wireguard' | 'dropping' | 'detours' | 'device' | 'underlayMtu' | 'unprobed'
>;

/** What the node says of itself, or why it says nothing: one that cannot be asked keeps no other from being judged. */
async function factsOf(shell: NodeShell, node: CalicoNode, felix: NodeFindings['felix']): Promise<Facts> {
  try {
    const [{ up, ...facts }, device] = await Promise.all([
      askNode(shell, node, felix),
      wireguardDevice(shell, node.name, felix.interface),
    ]);
    return { ...facts, ...(device ? { device: { ...device, up } } : {}) };
  } catch (error) {
    const unprobed = error instanceof UnprobedNode ? error.reason : messageOf(error);
    return { kernel: '', wireguard: 'none', dropping: [], detours: [], unprobed };
  }
}

/** `default`, and over it what is said for this node alone. */
function felixOf(configurations: readonly FelixConfiguration[], node: string): NodeFindings['felix'] {
  const named = (name: string) => configurations.find(({ metadata }) => metadata?.name === name)?.spec;
  const own = named(`node.${node}`);
  const spec = { ...named('default'), ...own };
  return {
    enabled: spec.wireguardEnabled ?? false,
    by: configuredBy(configurations, node, 'wireguardEnabled'),
    interface: spec.wireguardInterfaceName ?? 'wireguard.cali',
    port: spec.wireguardListeningPort ?? 51820,
    priority: spec.wireguardRoutingRulePriority ?? 99,
  };
}

function configuredBy(
  configurations: readonly FelixConfiguration[],
  node: string,
  field: keyof NonNullable<FelixConfiguration['spec']>,
): string {
  const own = configurations.find(({ metadata }) => metadata?.name === `node.${node}`);
  return own?.spec?.[field] === undefined ? 'default' : `node.${node}`;
}

/** What the node itself says, a fact a line, tab-separated. */
const ASK_NODE = `printf 'kernel\\t%s\\n' "$(uname -r)"
if [ -d /sys/module/wireguard ] || modprobe -qn wireguard 2> /dev/null; then printf 'wireguard\\tkernel\\n'
elif command -v wireguard-go > /dev/null; then printf 'wireguard\\tuserspace\\n'
fi
[ -z "$(ip -o link show dev "$1" up 2> /dev/null)" ] || printf 'up\\tyes\\n'
ip -o -4 address show | while read -r _ device _ address _; do
  case $address in "$3"/*) printf 'underlay\\t%s\\n' "$(cat "/sys/class/net/$device/mtu")" ;; esac
done
ip rule show | while read -r priority rule; do
  [ "\${priority%:}" -ge "$4" ] || case $rule in
    *'lookup local'* | *fwmark*) ;;
    *) printf 'detour\\t%s %s\\n' "$priority" "$rule" ;;
  esac
done
{ iptables-save; nft list ruleset; } 2> /dev/null | grep -E "^\\*|dports? .*\\b$2\\b" | grep -iE '^\\*|drop|reject' |
  while read -r rule; do
    case $rule in
      \\**) table=\${rule#?} ;;
      -A*) printf 'dropping\\tiptables -t %s %s\\n' "$table" "$rule" ;;
      *) printf 'dropping\\t%s\\n' "$rule" ;;
    esac
  done`;

async function askNode(shell: NodeShell, { name, address }: CalicoNode, felix: NodeFindings['felix']) {
  const argv = ['sh', '-c', ASK_NODE, 'ask', felix.interface, String(felix.port), address, String(felix.priority)];
  const { status, stdout, stderr } = await finish(await shell(name, argv));
  if (status !== 0) throw labFailure(`cannot look at ${name}: ${stderr.trim() || `exit status ${status}`}`);
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  const values = (fact: string) => lines.flatMap(([key, value = '']) => (key === fact ? [value] : []));
  const [wireguard] = values('wireguard');
  const [underlay] = values('underlay');
  return {
    kernel: values('kernel')[0] ?? '',
    wireguard: known(wireguard),
    up: values('up').length > 0,
    dropping: values('dropping'),
    detours: values('detour'),
    ...(underlay === undefined ? {} : { underlayMtu: Number(underlay) }),
  };
}

function known(wireguard: string | undefined): NodeFindings['wireguard'] {
  return wireguard === 'kernel' || wireguard === 'userspace' ? wireguard : 'none';
}
