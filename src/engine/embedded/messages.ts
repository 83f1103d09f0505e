import type { Link, LinuxNode } from '../../lab/linux-nodes.ts';

/** What wglab tells the engine when it wakes up; keys and token travel this way, never in argv or the environment. */
export interface EngineOrder {
  nodes: { name: string; role: 'control-plane' | 'worker'; labels: Record<string, string> }[];
  podSubnet: string;
  serviceSubnet: string;
  /** The wire between the nodes: the bridge has its first address, the nodes the next ones. */
  nodeSubnet: string;
  /** The same for IPv6, in a cluster of both. */
  nodeSubnet6?: string;
  /** Plain hosts beside the cluster, and the cables between them; undefined where there are none. */
  hosts?: { linux: Pick<LinuxNode, 'name' | 'exec' | 'env'>[]; links: Link[] };
  tls: { key: string; cert: string };
  token: string;
}

/** What the engine tells wglab while it starts: that it hears, that its API answers, and that all of it stands. */
export type EngineMessage =
  | { kind: 'awake' }
  | { kind: 'step'; text: string }
  | { kind: 'serving' }
  | { kind: 'ready' }
  | { kind: 'failed'; text: string; detail?: string };
