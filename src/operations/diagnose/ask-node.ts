import type { FirewallRule, NodeFindings } from '../../cni/calico/diagnosis/facts.ts';
import type { Family } from '../../cni/calico/families.ts';
import type { CalicoNode } from '../../cni/calico/keys.ts';
import { labFailure } from '../../errors.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';

/** The address of a pod that has one of its own, and its node. */
export interface PodAddress {
  address: string;
  node: string;
}

export type AskedFacts = Pick<
  NodeFindings,
  'kernel' | 'wireguard' | 'firewall' | 'detours' | 'strayRoutes' | 'portHolders' | 'paths' | 'underlay' | 'forwards'
>;

export const NOTHING_ASKED: AskedFacts = {
  ...{ kernel: '', wireguard: 'none', firewall: [], detours: [], strayRoutes: [], portHolders: [], paths: [] },
};

/**
 * Prints what the node says of itself, a fact a line, tab-separated. Arguments: port, node address, rule priority, family, iptables, device, a
 * local pod or nothing; standard input: addresses of pods on other nodes. Whether the kernel has WireGuard is tried in a network of its own.
 */
const ASK_NODE = `printf 'kernel\\t%s\\n' "$(uname -r)"
if unshare -n ip link add wglab0 type wireguard 2> /dev/null || [ -d /sys/module/wireguard ]; then printf 'wireguard\\tkernel\\n'
elif command -v wireguard-go > /dev/null; then printf 'wireguard\\tuserspace\\n'
fi
ip -o "$4" address show | while read -r _ device _ address _; do
  case $address in "$2"/*) printf 'underlay\\t%s\\t%s\\n' "$device" "$(cat "/sys/class/net/$device/mtu")" ;; esac
done
if [ "$4" = -4 ]; then printf 'forwards\\t%s\\n' "$(cat /proc/sys/net/ipv4/ip_forward)"
else printf 'forwards\\t%s\\n' "$(cat /proc/sys/net/ipv6/conf/all/forwarding)"
fi
ip "$4" rule show | while read -r priority rule; do
  [ "\${priority%:}" -ge "$3" ] || case $rule in
    *'lookup local'* | *fwmark*) ;;
    *) printf 'detour\\t%s %s\\n' "$priority" "$rule" ;;
  esac
done
ip "$4" route show table 1 2> /dev/null | grep -vE "^throw | dev $6( |$)" | sed 's/ *$//; s/^/stray\\t/'
ss -Hulnp "sport = :$1" 2> /dev/null | sed -n 's/.*users:(("\\([^"]*\\)",pid=\\([0-9]*\\).*/holder\\t\\1\\t\\2/p' | grep -v wireguard-go
for table in filter mangle raw; do
  "$5-save" -t "$table" 2> /dev/null | grep -E '^:[A-Z]+ DROP|^-A .*-j (DROP|REJECT|MARK)' | grep -vE '^-A (cali-|KUBE-|DOCKER)' |
    sed "s/^/$5\\t$table\\t/"
done
nft -a list ruleset 2> /dev/null | awk '
  /^table / { family = $2; name = $3; skip = (family ~ /^ip6?$/ && name ~ /^(filter|nat|mangle|raw|security)$/) || name ~ /^(calico|kube-proxy)/ }
  skip { next }
  /^\\tchain / { chain = $2; hook = "" }
  / hook / { for (i = 1; i < NF; i++) if ($i == "hook") hook = $(i + 1); if (/policy drop/) print "nft\\t" family " " name "\\t" chain "\\t" hook "\\tpolicy drop"; next }
  /[ \\t](drop|reject)([ \\t]|$)|mark set/ { sub(/^[ \\t]+/, ""); print "nft\\t" family " " name "\\t" chain "\\t" hook "\\t" $0 }'
from=
[ -z "$7" ] || from="from $7 iif $(ip -o "$4" route get "$7" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')"
while read -r pod; do
  printf 'path\\t%s\\t%s\\n' "$pod" "$(ip -o "$4" route get "$pod" $from 2>&1 | head -n 1 | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p; t; s/^RTNETLINK answers: //; s/^/!/p')"
done
exit 0`;

/** How many pods of other nodes a node is asked about. */
const PODS = 100;

/** Asks a node for all that concerns its encryption of one family. Throws failure 5 if it cannot be asked. */
export async function askNode(
  shell: NodeShell,
  { name, address }: CalicoNode,
  { port, priority, interface: device }: NodeFindings['felix'],
  { version, iptables }: Family,
  pods: readonly PodAddress[],
): Promise<AskedFacts> {
  const own = pods.find(({ node }) => node === name)?.address ?? '';
  const others = pods.filter(({ node }) => node !== name).slice(0, PODS);
  const asked = [String(port), address, String(priority), `-${version}`, iptables, device, own];
  const remote = await shell(name, ['sh', '-c', ASK_NODE, 'ask', ...asked]);
  const { status, stdout, stderr } = await finish(remote, others.map((pod) => `${pod.address}\n`).join(''));
  if (status !== 0) throw labFailure(`cannot look at ${name}: ${stderr.trim() || `exit status ${status}`}`);
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  const rows = (fact: string) => lines.flatMap(([key, ...values]) => (key === fact ? [values] : []));
  const [wireguard] = rows('wireguard')[0] ?? [];
  const [underlay, mtu] = rows('underlay')[0] ?? [];
  const [forwards] = rows('forwards')[0] ?? [];
  const nodeOf = new Map(others.map((pod) => [pod.address, pod.node]));
  return {
    kernel: rows('kernel')[0]?.[0] ?? '',
    wireguard: wireguard === 'kernel' || wireguard === 'userspace' ? wireguard : 'none',
    ...(underlay === undefined ? {} : { underlay: { device: underlay, mtu: Number(mtu) } }),
    ...(forwards ? { forwards: forwards !== '0' } : {}),
    firewall: [...rows(iptables).map((row) => iptablesRule(iptables, row)), ...rows('nft').map(nftRule)],
    detours: rows('detour').map(([rule = '']) => rule),
    strayRoutes: rows('stray').map(([route = '']) => route),
    portHolders: rows('holder').map(([holder = '', pid]) => ({ name: holder, pid: Number(pid) })),
    paths: rows('path').map(([pod = '', found = '']) => ({
      ...{ pod, node: nodeOf.get(pod) ?? '' },
      ...(found === '' || found.startsWith('!') ? { refused: found.slice(1) || 'nothing' } : { device: found }),
    })),
  };
}

function iptablesRule(by: Family['iptables'], [table = '', text = '']: readonly string[]): FirewallRule {
  const policy = /^:(\S+) DROP/.exec(text)?.[1];
  if (policy !== undefined) return { by, table, chain: policy, text: 'policy drop' };
  return { by, table, chain: /^-A (\S+)/.exec(text)?.[1] ?? '', text };
}

function nftRule([table = '', chain = '', hook = '', text = '']: readonly string[]): FirewallRule {
  return { by: 'nft', table, chain, ...(hook ? { hook } : {}), text };
}
