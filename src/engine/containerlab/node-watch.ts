import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Failure, labFailure } from '../../errors.ts';
import { makePrivateFolder, writeWhole } from '../../state/whole-file.ts';
import { docker } from './docker.ts';
import { ASK_NODE, faultsIn, type NodeFault } from './node-faults.ts';

const AGAIN_MS = 2000;
const ASK_MS = 15_000;
/** A kubelet that has ended itself so often for one reason does not recover. */
const HOPELESS = 6;

export interface NodeWatch {
  /** Aborted, with the failure, once a node cannot come up any more. */
  hopeless: AbortSignal;
  /** Ends the watch, and returns what kept a node from coming up, if anything was seen. */
  end(): Promise<Failure | undefined>;
}

/**
 * Watches kubelet, containerd and the static pods of nodes while kubeadm runs: says the first reason that keeps one from coming up at
 * once, and keeps the nodes' logs, for kind deletes the nodes when kubeadm gives up.
 */
export function watchNodes(nodes: readonly string[], logs: string, info: (text: string) => void): NodeWatch {
  const ended = new AbortController();
  const hopeless = new AbortController();
  let first: { node: string; fault: NodeFault } | undefined;
  const failure = () =>
    first &&
    labFailure(`${first.node} does not come up: ${first.fault.who}: ${first.fault.why}`, {
      detail: `The nodes' logs are in ${logs}`,
      remedy: 'wglab doctor --engine containerlab',
    });
  const look = async (): Promise<void> => {
    const found = await Promise.all(nodes.map(async (node) => ({ node, faults: await faultsOf(node) })));
    for (const { node, faults } of found) {
      const [fault] = faults;
      // Said once it may be a hiccup.
      if (!fault || fault.count < 2) continue;
      if (first?.fault.why !== fault.why) {
        if (!first) info(`${node} does not come up: ${fault.who}: ${fault.why}`);
        first ??= { node, fault };
        await keepLogs(nodes, logs);
      }
      if (fault.count >= HOPELESS && fault.who !== 'etcd') hopeless.abort(failure());
    }
  };
  const watching = (async () => {
    while (!ended.signal.aborted) {
      await delay(AGAIN_MS, undefined, { signal: ended.signal }).catch(() => undefined);
      if (!ended.signal.aborted) await look().catch(() => undefined); // the nodes may be gone: containerlab says why
    }
  })();
  return {
    hopeless: hopeless.signal,
    async end() {
      ended.abort();
      await watching;
      return failure();
    },
  };
}

async function faultsOf(node: string): Promise<NodeFault[]> {
  const said = await docker(['exec', node, 'sh', '-c', ASK_NODE], { timeoutMs: ASK_MS }).catch(() => '');
  return faultsIn(said);
}

const LOGS = `journalctl --no-pager -n 4000
echo; echo '== crictl ps -a'; crictl ps -a
for id in $(crictl ps -a --quiet); do echo; echo "== crictl logs $id"; crictl logs --tail 200 "$id" 2>&1; done
exit 0`;

/** Writes what each node has logged into a folder, a file a node. */
async function keepLogs(nodes: readonly string[], folder: string): Promise<void> {
  await makePrivateFolder(folder);
  await Promise.all(
    nodes.map(async (node) => {
      const said = await docker(['exec', node, 'sh', '-c', LOGS], { timeoutMs: ASK_MS }).catch(() => undefined);
      if (said !== undefined) await writeWhole(join(folder, `${node}.log`), said, 0o600);
    }),
  );
}
