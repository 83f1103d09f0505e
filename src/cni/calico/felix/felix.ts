import type { KubeObject } from '../../../kube/object.ts';
import type { Store } from '../../../kube-api/store.ts';
import { atOnce } from '../../../process/at-once.ts';
import { runTool } from '../../../process/tool.ts';
import type { NetworkNamespace, NodeNamespace } from '../../node.ts';
import type { Ipam } from '../controllers/ipam.ts';
import { podMtu } from '../dataplane/mtu.ts';
import { podInterfaceLines, podVethLines } from '../dataplane/pod-veth.ts';
import { hostInterfaceName } from '../dataplane/workloads.ts';
import type { FelixLog } from './felix-log.ts';
import { type FelixNode, freshNode, type Plan, planNode, runPlan, withoutWorkload } from './felix-node.ts';
import { clusterView, nodeFingerprint, publishKeys } from './felix-view.ts';
import { FirewallTeller } from './firewall.ts';
import type { Dataplane } from './wireguard-device.ts';

/** How long Felix must have had nothing to do, in ms, before it does what nobody waits for: making the nodes' first firewall. */
const QUIET_MS = 500;
/** How often in a row a node may fail before Felix leaves it until something changes. */
const ATTEMPTS = 3;

const FAMILIES = [4, 6] as const;

/**
 * Plays Felix on every node: keeps each node's network as the pure function `desiredState` wants it. All nodes are done in
 * passes: what changes meanwhile is done in the next one, so that a change of the whole cluster costs a few passes and not
 * one for every node and event. As Felix, it looks at the kernel when its configuration changes (it restarts then), and
 * otherwise trusts what it did: what somebody breaks by hand stays broken, and can be found.
 */
export class Felix {
  readonly dataplane: Dataplane;
  readonly #store: Store;
  readonly #ipam: Ipam;
  readonly #ipam6: Ipam;
  readonly #mtu: number;
  readonly #log: (message: string) => void;
  readonly #nodes = new Map<string, FelixNode>();
  #pass: Promise<void> | undefined;
  #again: Promise<void> | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor(options: {
    store: Store;
    ipam: Ipam;
    ipam6: Ipam;
    dataplane: Dataplane;
    mtu: number;
    log: (message: string) => void;
  }) {
    this.dataplane = options.dataplane;
    this.#store = options.store;
    this.#ipam = options.ipam;
    this.#ipam6 = options.ipam6;
    this.#mtu = options.mtu;
    this.#log = options.log;
  }

  /** Takes charge of nodes that are as they were made. */
  start(nodes: ReadonlyMap<string, NodeNamespace>): void {
    const teller = new FirewallTeller((why) => {
      this.#log(`no firewall rules on the nodes, which need none: ${why}`);
      for (const { log } of this.#nodes.values()) log.noFirewall(why);
    });
    for (const [name, namespaces] of nodes) {
      this.#nodes.set(name, freshNode(namespaces, teller));
    }
    const settingsOf = (name: string) => JSON.stringify(this.#view(name).felix);
    const settings = new Map([...this.#nodes.keys()].map((name) => [name, settingsOf(name)]));
    this.#store.watch('FelixConfiguration', ({ type, object }) => {
      for (const [name, node] of this.#nodes) {
        const present = settingsOf(name);
        if (settings.get(name) === present) continue;
        settings.set(name, present);
        node.log.configured(object.metadata.name, type === 'DELETED' ? undefined : (object.spec ?? {}));
        this.#startAnew(node);
      }
      this.#changed();
    });
    let before = '';
    this.#store.watch('Node', () => {
      const present = nodeFingerprint(this.#store);
      if (present !== before) this.#changed();
      before = present;
    });
    for (const kind of ['IPPool', 'BlockAffinity']) this.#store.watch(kind, () => this.#changed());
    this.#changed();
  }

  /** Returns the log of Felix on a node. */
  logOf(nodeName: string): FelixLog {
    return this.#node(nodeName).log;
  }

  /**
   * The pod that Felix runs in is there. When it is another one than before, because somebody ended that, Felix looks at all of its
   * node again, and repairs it.
   */
  begin(nodeName: string): void {
    const node = this.#node(nodeName);
    if (!node.begun) {
      node.begun = true;
      return;
    }
    node.log.renew();
    this.#startAnew(node);
    this.#changed(nodeName);
  }

  /** Nothing was done yet on a node that still is as it was made: there is nothing to look at. */
  #startAnew(node: FelixNode): void {
    if (node.touched) node.actual = undefined;
    node.firewall.forget();
  }

  /** Connects a pod's sandbox to its node and returns the pod's addresses, IPv4's first; the routes to them exist when this resolves. */
  async attach(nodeName: string, pod: KubeObject, sandbox: NetworkNamespace): Promise<string[]> {
    const node = this.#node(nodeName);
    const { namespace = 'default', name, uid = '' } = pod.metadata;
    const address = this.#ipam.assign(nodeName, `k8s-pod-network.${uid}`);
    const address6 = this.#ipam6.pool ? this.#ipam6.assign(nodeName, `k8s-pod-network.${uid}`) : undefined;
    const hostInterface = hostInterfaceName(namespace, name);
    const mtu = podMtu(this.#view(nodeName), nodeName);
    const lines = podVethLines({ hostInterface, mtu, pid: sandbox.pid });
    await node.namespaces.run({ kind: 'batch', tool: 'ip', lines });
    node.pods.set(uid, { namespace, name, address, hostInterface, ...(address6 !== undefined && { address6 }) });
    // A borrowed address is a route of its own on every node.
    const borrowed = [...this.#ipam.allocations(), ...this.#ipam6.allocations()].some(
      (one) => one.borrowed && (one.address === address || one.address === address6),
    );
    const routed = this.#changed(borrowed ? undefined : nodeName);
    const inside = podInterfaceLines(address, address6);
    await Promise.all([routed, sandbox.run({ kind: 'batch', tool: 'ip', lines: inside })]);
    return address6 === undefined ? [address] : [address, address6];
  }

  /** Takes a pod off its node, with its veth pair. */
  async detach(nodeName: string, pod: KubeObject): Promise<void> {
    const { uid = '' } = pod.metadata;
    const node = this.#node(nodeName);
    const attached = node.pods.get(uid);
    for (const ipam of [this.#ipam, this.#ipam6]) ipam.release(`k8s-pod-network.${uid}`);
    if (!attached) return;
    node.pods.delete(uid);
    const { hostInterface } = attached;
    if (!node.namespaces.isAlive) return;
    await runTool(node.namespaces.enter(['ip', 'link', 'del', hostInterface])).catch((error) => {
      if (!/Cannot find device/.test(String(error))) throw error; // it went with the pod's network
    });
    if (node.actual) node.actual = withoutWorkload(node.actual, hostInterface); // the kernel took its routes too
    await this.#changed(nodeName);
  }

  /** Marks one node, or all, and resolves when a whole pass that began after now is over. */
  #changed(nodeName?: string): Promise<void> {
    for (const [name, node] of this.#nodes) if (nodeName === undefined || name === nodeName) node.dirty = true;
    if (!this.#pass) {
      // A pass begins when all events of the moment have been reported.
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

  /**
   * One pass over the nodes that changed. Peers are set on all nodes before routes and rules on any: a handshake that comes
   * before its receiver knows the sender is lost, and WireGuard tries again only after 5 s. Keys are published last, so that
   * the peers take one further pass and not one for each key.
   */
  async #syncDirty(): Promise<void> {
    const dirty = [...this.#nodes].filter(([, node]) => node.dirty);
    for (const [, node] of dirty) node.dirty = false;
    const means = { dataplane: this.dataplane, log: this.#log };
    const planned = await atOnce(dirty, async ([name, node]) =>
      this.#try(name, node, () => planNode(name, node, this.#view(name), this.#ipam6.pool !== undefined)),
    );
    const begun = await atOnce(planned, async (plan) =>
      this.#try(plan.name, plan.node, () => runPlan(plan, plan.first, means)),
    );
    await atOnce(begun, async (plan) => this.#try(plan.name, plan.node, () => runPlan(plan, plan.last, means)));
    await Promise.all(planned.map(({ firewall }) => firewall));
    this.#whenQuiet();
    for (const [name, node] of dirty) {
      for (const family of FAMILIES) {
        if (node.toldKeys[family] !== node.keys[family]) node.log.published(node.keys[family]);
      }
      node.toldKeys = node.keys;
      publishKeys(this.#store, name, node.keys);
    }
  }

  #whenQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      void atOnce([...this.#nodes.values()], async ({ firewall }) => {
        await firewall.catchUp();
        return [];
      });
    }, QUIET_MS);
    this.#quiet.unref();
  }

  /** Does something on a node; when it fails, the node is looked at again in the next pass, but not for ever. */
  async #try(name: string, node: FelixNode, work: () => Promise<Plan>): Promise<Plan[]> {
    try {
      return [await work()];
    } catch (error) {
      node.actual = undefined;
      node.failures += 1;
      const why = error instanceof Error ? error.message : String(error);
      this.#log(`felix on ${name}: ${why}`);
      node.log.failed(why);
      if (node.failures < ATTEMPTS) queueMicrotask(() => this.#changed(name));
      return [];
    }
  }

  #view(forNode: string) {
    const pods = (name: string) => [...(this.#nodes.get(name)?.pods.values() ?? [])];
    return clusterView({ store: this.#store, ipam: this.#ipam, ipam6: this.#ipam6, pods, hostMtu: this.#mtu, forNode });
  }

  #node(name: string): FelixNode {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }
}
