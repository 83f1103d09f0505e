import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import { finish } from '../../process/node-shell.ts';
import { AGENT_CONTAINER, AGENT_LABELS, NAMESPACE } from './names.ts';

/** How an agent reports that it encrypts: the words of its API. */
export type AgentMode = 'Disabled' | 'Wireguard' | 'IPsec' | 'Ztunnel';

export interface AgentPeer {
  readonly publicKey: string;
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
  /** Seconds since 1970; 0 for never. */
  readonly latestHandshake: number;
  readonly rx: number;
  readonly tx: number;
}

/** An agent's answer about encryption on its node. */
export interface AgentEncryption {
  readonly mode: AgentMode;
  readonly wireguard?: {
    readonly interface: string;
    readonly port: number;
    readonly publicKey: string;
    readonly peerCount: number;
    readonly nodeEncryption: string;
    /** Empty if the peers were not asked for. */
    readonly peers: readonly AgentPeer[];
  };
  readonly ipsec?: {
    readonly keysInUse: number;
    /** `0x1e3/0xffffffffffffffff`; `N/A` if nothing was ever encrypted. */
    readonly maxSequence: string;
    readonly errors: number;
    readonly xfrmErrors: Readonly<Record<string, number>>;
  };
}

/** The agents' pods by the node that they are on; of two on one node, the one that is not being deleted. */
export async function agentPods(cluster: Cluster): Promise<Map<string, Pod>> {
  const [[label, value] = []] = Object.entries(AGENT_LABELS);
  const pods = (await cluster.list<Pod>('v1', 'Pod', NAMESPACE, `${label}=${value}`)).items;
  const present = [...pods].sort((a, b) => Number(isLeaving(b)) - Number(isLeaving(a)));
  return new Map(present.flatMap((pod) => (pod.spec?.nodeName ? [[pod.spec.nodeName, pod] as const] : [])));
}

function isLeaving({ metadata }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined;
}

/** Asks an agent how it encrypts, with its peers if `peers`. Throws if it does not answer. */
export async function askAgent(cluster: Cluster, pod: Pod, { peers = false } = {}): Promise<AgentEncryption> {
  const argv = peers ? ['cilium-dbg', 'debuginfo', '--output=json'] : ['cilium-dbg', 'status', '-o', 'json'];
  const remote = await cluster.execInPod(pod, argv, { container: AGENT_CONTAINER });
  const { status, stdout, stderr } = await finish(remote);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim() || `exit status ${status}`}`);
  return readEncryption(stdout);
}

interface AgentJson {
  encryption?: {
    mode?: string;
    wireguard?: {
      'node-encryption'?: string;
      interfaces?: {
        name?: string;
        'listen-port'?: number;
        'public-key'?: string;
        'peer-count'?: number;
        peers?: { [field: string]: unknown }[] | null;
      }[];
    };
    ipsec?: {
      'keys-in-use'?: number;
      'max-seq-number'?: string;
      'error-count'?: number;
      'xfrm-errors'?: Record<string, number>;
    };
  };
}

const MODES: readonly AgentMode[] = ['Disabled', 'Wireguard', 'IPsec', 'Ztunnel'];

/** Reads what an agent prints as JSON for `status` and `debuginfo`. Throws SyntaxError if it is not. */
export function readEncryption(text: string): AgentEncryption {
  const { encryption = {} } = JSON.parse(text) as AgentJson;
  const device = encryption.wireguard?.interfaces?.[0];
  const { ipsec } = encryption;
  return {
    mode: MODES.find((mode) => mode === encryption.mode) ?? (device ? 'Wireguard' : ipsec ? 'IPsec' : 'Disabled'),
    ...(device && {
      wireguard: {
        interface: device.name ?? '',
        port: device['listen-port'] ?? 0,
        publicKey: device['public-key'] ?? '',
        peerCount: device['peer-count'] ?? device.peers?.length ?? 0,
        nodeEncryption: encryption.wireguard?.['node-encryption'] ?? 'Disabled',
        peers: (device.peers ?? []).map(readPeer),
      },
    }),
    ...(ipsec && {
      ipsec: {
        keysInUse: ipsec['keys-in-use'] ?? 0,
        maxSequence: ipsec['max-seq-number'] ?? 'N/A',
        errors: ipsec['error-count'] ?? 0,
        xfrmErrors: ipsec['xfrm-errors'] ?? {},
      },
    }),
  };
}

function readPeer(peer: { [field: string]: unknown }): AgentPeer {
  const time = Date.parse(String(peer['last-handshake-time'] ?? ''));
  return {
    publicKey: String(peer['public-key'] ?? ''),
    endpoint: String(peer.endpoint ?? ''),
    allowedIps: Array.isArray(peer['allowed-ips']) ? peer['allowed-ips'].map(String) : [],
    // Go's zero time is in the year 1.
    latestHandshake: time > 0 ? Math.floor(time / 1000) : 0,
    rx: Number(peer['transfer-rx'] ?? 0),
    tx: Number(peer['transfer-tx'] ?? 0),
  };
}

/** The line of `cilium-dbg status`, as Cilium itself prints it. */
export function statusLine({ mode, wireguard }: AgentEncryption): string {
  if (mode !== 'Wireguard' || !wireguard) return `Encryption: ${mode}`;
  const { interface: device, publicKey, port, peerCount, nodeEncryption } = wireguard;
  return `Encryption: Wireguard [NodeEncryption: ${nodeEncryption}, ${device} (Pubkey: ${publicKey}, Port: ${port}, Peers: ${peerCount})]`;
}
