import { existsSync, mkdirSync, writeFileSync, writeSync } from 'node:fs';
import type { Server } from 'node:net';
import { detectDataplane } from '../../cni/calico/felix/wireguard-device.ts';
import { messageOf } from '../../errors.ts';
import { bootstrapCluster } from '../../kube-api/controllers/bootstrap.ts';
import { eventRecorder } from '../../kube-api/controllers/events.ts';
import { startControllers } from '../../kube-api/controllers/start-controllers.ts';
import { addToScheme } from '../../kube-api/scheme.ts';
import { startApiServer } from '../../kube-api/server.ts';
import { Store } from '../../kube-api/store.ts';
import { runTool, ToolError } from '../../process/tool.ts';
import { calicoNetwork, ciliumNetwork } from './cluster-network.ts';
import { Kubelet } from './kubelet.ts';
import type { EngineMessage, EngineOrder } from './messages.ts';
import { type LinuxHost, makeLinuxHosts } from './node/linux-hosts.ts';
import { createNodeNamespaces, type NodeNamespaces } from './node/node-namespaces.ts';
import { makeImage, nodeRunFolder, RUN_FOLDER } from './pod/image.ts';
import {
  DUAL_NODE_SYSCTLS,
  NODE_SYSCTLS,
  nodeAddress,
  nodeAddress6,
  nodeInterfaceLines,
  nodeIpv6Lines,
  nodeNeighbourLines,
  nodePodCidr,
  nodeUplinkLines,
  WIRE_SYSCTLS,
  wireLines,
} from './underlay.ts';

/** As Docker's network `kind`, so that every number is the one of the workshops: vxlan.calico 1450, wireguard.cali 1440. */
const WIRE_MTU = 1500;

/** Says on every node who does WireGuard's work there: the kernel, or wireguard-go in user space. */
const WIREGUARD_LABEL = 'wglab.dev/wireguard';

interface LabNode {
  name: string;
  role: 'control-plane' | 'worker';
  labels: Record<string, string>;
  address: string;
  /** In a cluster of both families. */
  address6?: string;
  /** If the CNI takes the pods' addresses from it. */
  podCIDR?: string;
}

function say(message: EngineMessage): void {
  // If wglab has ended meanwhile, nobody receives it: the lab runs all the same.
  if (process.connected) process.send?.(message);
}

function log(message: string): void {
  try {
    writeSync(process.stdout.fd, `${new Date().toISOString()} ${message}\n`);
  } catch {
    return; // a disk that is full does not end a lab, and there is nowhere to say it
  }
}

/**
 * Handles an error that nobody caught. A broken connection concerns that connection alone. Anything else means that the engine is not in
 * the state it believes in, and a proof must not rest on such a lab: it ends, the kernel takes it away whole, and the log,
 * which `wglab status` then shows, says why.
 */
function uncaught(error: unknown): void {
  const { code = '', stack } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(code)) {
    log(`a connection broke: ${messageOf(error)}`);
    return;
  }
  log(`the engine ends, for it has a fault: ${stack ?? messageOf(error)}`);
  process.exit(1);
}

// The last line against a body that reaches a prototype: what every object inherits cannot change any more.
Object.freeze(Object.prototype);

let isReady = false;
process.on('uncaughtException', uncaught);
process.on('unhandledRejection', uncaught);
process.once('disconnect', () => {
  // wglab ended while it brought the lab up: nobody can use a lab that is half made.
  if (!isReady) process.exit(1);
});
process.once('message', (order: EngineOrder, listening: Server) => {
  startLab(order, listening).then(
    () => {
      isReady = true;
      say({ kind: 'ready' });
    },
    (error) => {
      const detail = error instanceof Error ? error.stack : undefined;
      const failed: EngineMessage = { kind: 'failed', text: messageOf(error) };
      say(error instanceof ToolError || !detail ? failed : { ...failed, detail });
    },
  );
});
say({ kind: 'awake' });

/**
 * Brings the lab's cluster up: its API, and its nodes on the wire, without a CNI yet. The API answers before the nodes are made,
 * so that what is to run can be told it meanwhile; nothing runs before its node is there.
 */
async function startLab(order: EngineOrder, listening: Server): Promise<void> {
  const { nodeSubnet, nodeSubnet6 } = order;
  const nodes: LabNode[] = order.nodes.map((node, i) => ({
    ...node,
    ...(order.cni === 'cilium' && { podCIDR: nodePodCidr(order.podSubnet, i) }),
    address: nodeAddress(nodeSubnet, i + 1),
    ...(nodeSubnet6 !== undefined && { address6: nodeAddress6(nodeSubnet6, i + 1) }),
  }));
  makeRunFolder(nodes);
  say({ kind: 'step', text: `Making ${nodes.length} nodes and the wire between them` });
  const detecting = detectDataplane();
  const making = makeNodes(nodeSubnet, nodes, nodeSubnet6);
  making.catch(() => undefined); // heard below, once the API is there
  const dataplane = await detecting;
  const store = new Store();
  const means = { store, dataplane, mtu: WIRE_MTU, log };
  const network = order.cni === 'cilium' ? ciliumNetwork(means, nodes) : calicoNetwork(means);
  addToScheme(network.scheme);
  bootstrapCluster(
    store,
    nodes.map((node) => ({ ...node, labels: { ...node.labels, [WIREGUARD_LABEL]: dataplane } })),
    { namespaces: network.namespaces },
  );
  const record = eventRecorder(store, () => new Date());
  startControllers(store, {
    cni: network.controllers,
    record,
    onError: (error, doing) => log(`${doing}: ${messageOf(error)}`),
  });
  const namespaces = new Map<string, NodeNamespaces>();
  const hosts = new Map<string, LinuxHost>();
  const addresses = new Map(
    nodes.map(({ name, address, address6 }) => [name, [address, ...(address6 ? [address6] : [])]]),
  );
  const kubelet: Kubelet = new Kubelet({
    store,
    nodes: namespaces,
    hosts,
    networkOf: (node) => ({
      hostAddresses: addresses.get(node) ?? [],
      node: namespaces.get(node),
      attach: (pod, sandbox) => network.attach(node, pod, sandbox),
      detach: (pod) => network.detach(node, pod),
    }),
    partOf: (pod) => {
      const node = String(pod.spec?.nodeName);
      if (!network.isAgent(pod)) return undefined;
      return {
        hostAddresses: addresses.get(node) ?? [],
        begin: () => network.begin(node),
        logs: (options) => network.logs(node, options),
        exec: (argv, options) => kubelet.execOnNode(node, argv, options, network.programs),
      };
    },
    record,
    log,
  });
  const { tls, token } = order;
  await startApiServer({ store, runtime: kubelet, tls, token, listen: listening, log });
  say({ kind: 'serving' });
  const image = makeImage();
  const [made, , madeHosts] = await Promise.all([
    making,
    image,
    order.hosts ? makeLinuxHosts(order.hosts, image, making) : new Map<string, LinuxHost>(),
  ]);
  for (const node of made) namespaces.set(node.name, node);
  for (const [name, host] of madeHosts) hosts.set(name, host);
  network.start(namespaces);
  kubelet.start();
  for (const { name, ended } of made) void ended.then(() => kubelet.loseNode(name));
  for (const { namespaces: host } of hosts.values()) {
    void host.ended.then(() => log(`the host ${host.name} is lost: its first process ended`));
  }
  log(
    `the lab is running: ${nodes.length} nodes, WireGuard by the ${dataplane === 'kernel' ? 'kernel' : 'userspace program wireguard-go'}`,
  );
}

/** Makes the files that nodes and pods need, in a /run that only the lab sees. */
function makeRunFolder(nodes: readonly LabNode[]): void {
  mkdirSync(`${RUN_FOLDER}/pods`, { recursive: true });
  for (const { name } of nodes) mkdirSync(nodeRunFolder(name), { recursive: true });
  const hosts = nodes.map(({ name, address }) => `${address} ${name}\n`).join('');
  writeFileSync(`${RUN_FOLDER}/hosts`, `127.0.0.1 localhost\n${hosts}`);
}

async function makeNodes(subnet: string, nodes: readonly LabNode[], subnet6?: string): Promise<NodeNamespaces[]> {
  const sysctls = WIRE_SYSCTLS.filter(({ path, optional }) => !optional || existsSync(`/proc/sys/${path}`));
  for (const { path, value } of sysctls) writeFileSync(`/proc/sys/${path}`, value);
  const made = await Promise.all(
    nodes.map(async ({ name }) => {
      const node = await createNodeNamespaces(name, `${RUN_FOLDER}/hosts`, nodeRunFolder(name));
      await node.run({ kind: 'sysctl', writes: [...(subnet6 === undefined ? NODE_SYSCTLS : DUAL_NODE_SYSCTLS)] });
      return node;
    }),
  );
  const uplinks = made.flatMap(({ pid }, i) =>
    nodeUplinkLines({ subnet, address: nodes[i]?.address ?? '', mtu: WIRE_MTU, pid }),
  );
  await runTool(['ip', '-batch', '-'], `${[...wireLines(subnet, WIRE_MTU), ...uplinks].join('\n')}\n`);
  const addresses = nodes.map(({ address }) => address);
  const dual = nodes.flatMap(({ address, address6 }) => (address6 === undefined ? [] : [{ address, address6 }]));
  await Promise.all(
    made.map((node, i) => {
      const address = addresses[i] ?? '';
      const own = dual[i];
      const lines = [
        ...nodeInterfaceLines(subnet, address),
        ...nodeNeighbourLines(address, addresses),
        ...(own && subnet6 !== undefined ? nodeIpv6Lines(subnet6, own, dual) : []),
      ];
      return node.run({ kind: 'batch', tool: 'ip', lines });
    }),
  );
  return made;
}
