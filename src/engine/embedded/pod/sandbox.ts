import { ToolError } from '../../../process/tool.ts';
import { type Keeper, startKeeper } from '../keeper.ts';
import type { NodeNamespaces } from '../node/node-namespaces.ts';

/** The namespaces that a pod's containers share: network, host name and IPC namespaces, held by their keeper (Kubernetes' "pause"). */
export interface Sandbox extends Keeper {
  /** argv that runs a command in the pod's network, on the engine's own files. Throws ToolError if the sandbox has ended. */
  enter(argv: readonly string[]): string[];
}

export async function createSandbox(podName: string): Promise<Sandbox> {
  const fresh = ['unshare', '--net', '--uts', '--ipc'];
  return sandboxOf(podName, await startKeeper(`the sandbox of pod ${podName}`, fresh, 'hostname "$1"', [podName]));
}

/** The sandbox of a pod with hostNetwork: the node's own network and host name. */
export async function joinNode(podName: string, node: NodeNamespaces): Promise<Sandbox> {
  return sandboxOf(
    podName,
    await startKeeper(`the sandbox of pod ${podName}`, node.enter(['unshare', '--ipc']), ':', []),
  );
}

function sandboxOf(podName: string, keeper: Keeper): Sandbox {
  return {
    pid: keeper.pid,
    get isAlive() {
      return keeper.isAlive;
    },
    run: keeper.run,
    end: keeper.end,
    ended: keeper.ended,
    enter(command) {
      // Its number may be another process's by now.
      if (!keeper.isAlive) throw new ToolError(['nsenter', podName], 'ended', '');
      return ['nsenter', '--target', String(keeper.pid), '--net', '--uts', '--ipc', '--', ...command];
    },
  };
}
