import type { Readable } from 'node:stream';
import type { KubeObject } from '../../../kube/object.ts';
import type { LogOptions } from '../../../kube-api/runtime.ts';
import type { Store } from '../../../kube-api/store.ts';
import { atOnce } from '../../../process/at-once.ts';
import { runTool } from '../../../process/tool.ts';
import { agentDaemonSet } from '../controllers/daemonset.ts';
import { publishEndpoint } from '../controllers/objects.ts';
import { routeMtu } from '../dataplane/mtu.ts';
import { hostInterfaceName, identityOf } from '../dataplane/names.ts';
import { CONFIG_MAP, IPSEC_SECRET } from '../names.ts';
import { Agent, type AgentMeans } from './agent.ts';
import type { AgentNode, PodNamespace } from './node.ts';
import { podInterfaceLines, podVethLines } from './pod-lines.ts';

export interface AgentsOptions extends AgentMeans {
  /** The nodes, as they are known before any agent runs. */
  nodes: readonly { name: string; address: string; podCidr: string }[];
}

/**
 * Plays Cilium's agent on every node. An agent reads its settings when its pod starts, as Cilium's does, and keeps its node's network
 * as `desiredState` wants it. Nodes are brought up to date in passes, so that a change of the cluster costs a few of them.
 */
export class Agents {
  readonly #store: Store;
  readonly #options: AgentsOptions;
  readonly #agents = new Map<string, Agent>();
  #pass: Promise<void> | undefined;
  #again: Promise<void> | undefined;

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /** Takes charge of nodes that are as they were made. Agents start with their pods. */
  start(nodes: ReadonlyMap<string, AgentNode>): void {
    for (const { name, address, podCidr } of this.#options.nodes) {
      const node = nodes.get(name);
      if (node) this.#agents.set(name, new Agent({ node, address, podCidr, means: this.#options }));
    }
    this.#store.watch('ConfigMap', ({ object }) => {
      if (isNamed(object, CONFIG_MAP)) this.#ensureDaemonSet();
    });
    this.#store.watch('CiliumNode', () => void this.#changed());
    this.#store.watch('Secret', ({ object }) => {
      if (!isNamed(object, IPSEC_SECRET)) return;
      for (const agent of this.#agents.values()) agent.secretChanged();
      void this.#changed();
    });
    this.#ensureDaemonSet();
  }

  /** Starts the agent on a node, for the first time or again. Resolves when its node is as it should be; throws AgentFatal. */
  async begin(node: string): Promise<void> {
    const agent = this.#agent(node);
    agent.begin();
    await this.#changed(node);
    await agent.ready();
  }

  logOf(node: string, options: LogOptions): Readable {
    return this.#agent(node).log.read(options);
  }

  /** Connects a pod to its node, and returns its address; the routes to it are there when this resolves. */
  async attach(nodeName: string, pod: KubeObject, sandbox: PodNamespace): Promise<string[]> {
    const agent = this.#agent(nodeName);
    const { namespace = 'default', name, uid = '', labels = {} } = pod.metadata;
    const address = agent.addresses.assign(uid);
    const hostInterface = hostInterfaceName(namespace, name);
    const lines = podVethLines({ hostInterface, mtu: this.#options.mtu, pid: sandbox.pid });
    await agent.node.run({ kind: 'batch', tool: 'ip', lines });
    const endpoint = { namespace, name, address, hostInterface, identity: identityOf(namespace, labels) };
    agent.pods.set(uid, endpoint);
    const inside = podInterfaceLines(address, agent.addresses.internal, routeMtu(this.#options.mtu, 'wireguard'));
    await Promise.all([this.#changed(nodeName), sandbox.run({ kind: 'batch', tool: 'ip', lines: inside })]);
    publishEndpoint(this.#store, pod, endpoint, agent.address, agent.keyId);
    return [address];
  }

  /** Takes a pod off its node, with its interface. */
  async detach(nodeName: string, pod: KubeObject): Promise<void> {
    const { namespace = 'default', name, uid = '' } = pod.metadata;
    const agent = this.#agent(nodeName);
    const endpoint = agent.pods.get(uid);
    agent.addresses.release(uid);
    agent.pods.delete(uid);
    if (this.#store.get('CiliumEndpoint', namespace, name)) this.#store.remove('CiliumEndpoint', namespace, name);
    if (!endpoint || !agent.node.isAlive) return;
    await runTool(agent.node.enter(['ip', 'link', 'del', endpoint.hostInterface])).catch((error) => {
      if (!/Cannot find device/.test(String(error))) throw error; // it went with the pod's network
    });
    await this.#changed(nodeName);
  }

  /** The operator's work: once there is a configuration, there are agents. */
  #ensureDaemonSet(): void {
    const { namespace, name } = CONFIG_MAP;
    const daemonSet = agentDaemonSet();
    if (!this.#store.get('ConfigMap', namespace, name)) return;
    if (this.#store.get('DaemonSet', daemonSet.metadata.namespace, daemonSet.metadata.name)) return;
    this.#store.create(daemonSet);
  }

  /** Marks one node, or all, and resolves when a whole pass that began after now is over. */
  #changed(nodeName?: string): Promise<void> {
    for (const [name, agent] of this.#agents) if (nodeName === undefined || name === nodeName) agent.isDirty = true;
    if (!this.#pass) {
      // A pass begins when all events of the moment have arrived.
      this.#pass = new Promise<void>((resolve) => setImmediate(resolve))
        .then(() => this.#syncDirty())
        .finally(() => {
          this.#pass = undefined;
        });
      return this.#pass;
    }
    this.#again ??= this.#pass.then(() => {
      this.#again = undefined;
      return this.#changed();
    });
    return this.#again;
  }

  async #syncDirty(): Promise<void> {
    const dirty = [...this.#agents.values()].filter((agent) => agent.isDirty && agent.isRunning);
    for (const agent of dirty) agent.isDirty = false;
    await atOnce(dirty, async (agent) => {
      await agent.sync();
      return [];
    });
    // Publishing changes other nodes' views, and so begins the next pass.
    for (const agent of dirty) agent.publish();
  }

  #agent(name: string): Agent {
    const agent = this.#agents.get(name);
    if (!agent) throw new Error(`no node ${name}`);
    return agent;
  }
}

function isNamed({ metadata }: KubeObject, { namespace, name }: { namespace: string; name: string }): boolean {
  return metadata.namespace === namespace && metadata.name === name;
}
