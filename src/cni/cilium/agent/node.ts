/** A node as an agent needs it: namespaces in which lines and commands run. The engine makes them. */
export interface AgentNode {
  readonly name: string;
  readonly isAlive: boolean;
  /** Carries out lines of `ip -batch` or writes settings. Throws with what the tool printed if one of them fails. */
  run(
    step:
      | { kind: 'batch'; tool: 'ip'; lines: string[] }
      | { kind: 'sysctl'; writes: { path: string; value: string }[] },
  ): Promise<void>;
  /** argv that runs a command on the node. */
  enter(argv: readonly string[]): string[];
}

/** A pod's own network namespace. */
export interface PodNamespace {
  /** A process in it. */
  readonly pid: number;
  run(step: { kind: 'batch'; tool: 'ip'; lines: string[] }): Promise<void>;
}

/** Makes and removes WireGuard devices, with the kernel or with wireguard-go. */
export interface WireguardMaker {
  create(node: AgentNode, device: string): Promise<void>;
  remove(node: AgentNode, device: string): Promise<void>;
}
