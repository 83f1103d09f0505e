/** Reads why a node does not come up in what it says of itself. */

export interface NodeFault {
  /** `kubelet`, `containerd`, or the name of a static pod. */
  who: string;
  why: string;
  /** How often it was said, or how often the pod has exited. */
  count: number;
}

/**
 * Asks a node for what its kubelet and containerd have said lately, and for its pods that have exited: a fact a line, tab-separated.
 */
export const ASK_NODE = `journalctl -u kubelet --no-pager -o cat -n 200 2> /dev/null | sed 's/^/kubelet\\t/'
journalctl -u containerd --no-pager -o cat -n 100 2> /dev/null | sed 's/^/containerd\\t/'
crictl ps -a --state exited 2> /dev/null | sed -n 's/^\\([0-9a-f]\\{12,\\}\\) .* Exited  *\\([^ ]*\\)  *\\([0-9]*\\)  *.*/\\1 \\2 \\3/p' |
  while read -r id name attempt; do
    printf 'exited\\t%s\\t%s\\t%s\\n' "$name" "$attempt" "$(crictl logs --tail 1 "$id" 2>&1 | tail -n 1)"
  done
exit 0`;

/** The static pods of a control plane. One of them may exit once or twice while the others start. */
const STATIC = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const PASSING_EXITS = 2;

/** The last words of a kubelet that ends itself (cmd/kubelet, run.go and server.go), and containerd (logrus). */
const FATAL = { kubelet: /"command failed" err="(.*)"\s*$/, containerd: /level=fatal msg="(.*?)"(?: |$)/ };

/** A kubelet that kubeadm has not configured yet ends itself too, and starts again. */
const NOT_CONFIGURED = /kubelet config file|\/var\/lib\/kubelet\/config\.yaml|bootstrap-kubelet\.conf/;

/** Returns what keeps a node from coming up, the most frequent first. */
export function faultsIn(said: string): NodeFault[] {
  const found = new Map<string, NodeFault>();
  for (const line of said.split('\n')) {
    const [who = '', text = '', attempt, last] = line.split('\t');
    if (who === 'exited') {
      const exits = Number(attempt) + 1;
      if (STATIC.includes(text) && exits > PASSING_EXITS) {
        found.set(text, {
          who: text,
          why: `it has exited ${exits} times: ${last || 'it logged nothing'}`,
          count: exits,
        });
      }
      continue;
    }
    const why = FATAL[who as keyof typeof FATAL]?.exec(text)?.[1]?.replaceAll('\\"', '"');
    if (why === undefined || NOT_CONFIGURED.test(why)) continue;
    const key = `${who} ${why}`;
    found.set(key, { who, why, count: (found.get(key)?.count ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}
