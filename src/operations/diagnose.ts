import { type CalicoNode, calicoNode, wireguardDevice } from '../cni/calico.ts';
import { diagnose, type Finding, type NodeFindings } from '../cni/diagnosis.ts';
import { finish, type NodeShell } from '../engine/run.ts';
import { labFailure } from '../errors.ts';
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

/** Why encryption is not in force: every link of the chain on every node. Throws Failure 5 where a node cannot be asked. */
export async function diagnoseCluster(cluster: Cluster, shell: NodeShell): Promise<Finding[]> {
  const [nodes, configurations, affinities] = await Promise.all([
    cluster.nodes(),
    cluster.list<FelixConfiguration>('projectcalico.org/v3', 'FelixConfiguration'),
    cluster.list<BlockAffinity>('crd.projectcalico.org/v1', 'BlockAffinity'),
  ]);
  const blocksOf = (node: string) =>
    affinities.items.flatMap(({ spec }) =>
      spec?.node === node && String(spec.deleted) !== 'true' ? (spec.cidr ?? []) : [],
    );
  const findings = nodes.map(calicoNode).map(async (node): Promise<NodeFindings> => {
    const felix = felixOf(configurations.items, node.name);
    const [facts, device] = await Promise.all([
      askNode(shell, node, felix),
      wireguardDevice(shell, node.name, felix.interface),
    ]);
    const { up, ...known } = facts;
    const portBy = configuredBy(configurations.items, node.name, 'wireguardListeningPort');
    return {
      ...node,
      ...known,
      felix,
      portBy,
      ...(device ? { device: { ...device, up } } : {}),
      blocks: blocksOf(node.name),
    };
  });
  return diagnose(await Promise.all(findings));
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
