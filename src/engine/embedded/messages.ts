import type { ClusterContainer, Link, LinuxNode } from '../../lab/linux-nodes.ts';

/** wglab's message to the engine when it starts. Keys and token travel this way, never in argv or the environment. */
export interface EngineOrder {
  nodes: { name: string; role: 'control-plane' | 'worker'; labels: Record<string, string> }[];
  /** The CNI that the nodes have. */
  cni: 'calico' | 'cilium';
  podSubnet: string;
  serviceSubnet: string;
  /** The wire between the nodes: the bridge has its first address, the nodes the next ones. */
  nodeSubnet: string;
  /** The same for IPv6, in a cluster of both. */
  nodeSubnet6?: string;
  /** Plain hosts next to the cluster, nodes of it that have cables or commands too, and the cables; undefined if there are none. */
  hosts?: {
    linux: Pick<LinuxNode, 'name' | 'exec' | 'env'>[];
    external: Pick<ClusterContainer, 'name' | 'exec'>[];
    links: Link[];
  };
  tls: { key: string; cert: string };
  token: string;
}

/** The engine's messages to wglab while it starts: it listens, its API answers, all of it is running. */
export type EngineMessage =
  | { kind: 'awake' }
  | { kind: 'step'; text: string }
  | { kind: 'serving' }
  | { kind: 'ready' }
  | { kind: 'failed'; text: string; detail?: string };
