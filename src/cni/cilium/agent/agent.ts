import { messageOf } from '../../../errors.ts';
import type { Store } from '../../../kube-api/store.ts';
import { type CiliumNodeObject, readCiliumNode, WIREGUARD_KEY_ID } from '../cilium-node.ts';
import { publishEndpoint, publishNode, reportNetworkUp } from '../controllers/objects.ts';
import { planChanges } from '../dataplane/changes.ts';
import { desiredState, emptyState } from '../dataplane/state.ts';
import type { CiliumNodeState, CiliumNodeView, CiliumPod, CiliumView, Encryption } from '../dataplane/types.ts';
import type { IpsecKey } from '../keys/ipsec-secret.ts';
import { NodeAddresses } from './addresses.ts';
import { AgentLog } from './agent-log.ts';
import { applySteps, clearNode } from './apply.ts';
import { writeAgentFiles } from './files.ts';
import { loadWireguardKey } from './keys.ts';
import type { AgentNode, WireguardMaker } from './node.ts';
import { AgentFatal, readKey, readSettings } from './settings.ts';

export interface AgentMeans {
  store: Store;
  /** The MTU of the nodes' underlay interface. */
  mtu: number;
  /** The machine's, and so every node's, as with kind. */
  bootId: string;
  wireguard: WireguardMaker;
  /** A node's /run, as this process sees it. */
  runFolder: (node: string) => string;
  /** Why this kernel cannot encrypt with IPsec, in the agent's own words; undefined if it can. */
  espProblem: (node: AgentNode) => Promise<string | undefined>;
  log: (message: string) => void;
}

/** How often in a row a node may fail before its agent leaves it until something changes. */
const ATTEMPTS = 3;

/** Cilium's agent on one node. */
export class Agent {
  readonly node: AgentNode;
  readonly address: string;
  readonly addresses: NodeAddresses;
  readonly pods = new Map<string, CiliumPod>();
  readonly log = new AgentLog();
  isDirty = false;
  readonly #means: AgentMeans;
  #encryption: Encryption | undefined;
  #keys: IpsecKey[] = [];
  #rotationMs = 0;
  #publicKey: string | undefined;
  /** The node's present state, as far as the agent knows; undefined after a failure, when it must be made again. */
  #actual: CiliumNodeState | undefined = emptyState();
  #last: CiliumNodeState = emptyState();
  #failures = 0;
  #problem: Error | undefined;

  constructor(options: { node: AgentNode; address: string; podCidr: string; means: AgentMeans }) {
    this.node = options.node;
    this.address = options.address;
    this.addresses = new NodeAddresses(options.node.name, options.podCidr);
    this.#means = options.means;
  }

  /** Returns whether it has read its settings: before that it does nothing. */
  get isRunning(): boolean {
    return this.#encryption !== undefined && this.node.isAlive;
  }

  /** The key id that its CiliumNode publishes. */
  get keyId(): number {
    if (this.#encryption === 'wireguard') return WIREGUARD_KEY_ID;
    return this.#encryption === 'ipsec' ? (this.#keys.at(-1)?.id ?? 0) : 0;
  }

  /** Reads its settings. What an earlier run of it made stays as it is until the next pass. Throws AgentFatal. */
  begin(): void {
    this.log.renew();
    this.log.write('info', 'Cilium agent starting', { node: this.node.name });
    try {
      const { encryption, key, rotationMs } = readSettings(this.#means.store);
      this.#rotationMs = rotationMs;
      this.#keys = key ? [...this.#keys.filter(({ id }) => id !== key.id), key] : [];
      // A second start, because somebody ended its pod: it looks at all of its node again.
      if (this.#encryption === encryption) this.#actual = undefined;
      this.#encryption = encryption;
      this.#failures = 0;
      this.log.write('info', 'Encryption', { mode: encryption });
    } catch (error) {
      throw this.#fatal(error);
    }
  }

  /** Resolves if the last pass left the node as it should be. Throws AgentFatal if the node cannot be that. */
  async ready(): Promise<void> {
    if (this.#problem) throw this.#fatal(this.#problem);
    reportNetworkUp(this.#means.store, this.node.name, new Date());
  }

  /** The Secret was written: Cilium loads the key of a higher id, and reports any other. */
  secretChanged(): void {
    if (this.#encryption !== 'ipsec') return;
    try {
      const key = readKey(this.#means.store);
      const present = this.#keys.at(-1);
      if (key.id === present?.id) {
        if (Buffer.from(key.psk).equals(present.psk)) return;
        throw new AgentFatal('invalid SPI: changing IPSec keys requires incrementing the key id');
      }
      if (present && present.psk.length !== key.psk.length) {
        throw new AgentFatal('invalid key: the key length must not change');
      }
      this.#keys = [...this.#keys, key];
      this.log.write('info', 'Loaded IPsec key', { spi: key.id });
      this.#forgetLater(key.id);
    } catch (error) {
      if (!(error instanceof AgentFatal)) throw error;
      this.log.write('error', 'Failed to load IPsec keyfile', { error: error.message });
    }
  }

  /** Old keys stay for a while, because other nodes may still send with them. */
  #forgetLater(newest: number): void {
    const timer = setTimeout(() => {
      if (this.#keys.at(-1)?.id !== newest) return;
      this.#keys = this.#keys.slice(-1);
      this.log.write('info', 'Deleting stale XFRM states and policies', { spi: newest });
      this.isDirty = true;
      void this.sync();
    }, this.#rotationMs);
    timer.unref();
  }

  /** Brings the node to what it should have. A failure is kept for `ready`, and the next pass makes the node again. */
  async sync(): Promise<void> {
    try {
      if (this.#encryption === 'ipsec') {
        const problem = await this.#means.espProblem(this.node);
        if (problem !== undefined) throw new AgentFatal(problem);
      }
      const view = this.#view();
      const desired = desiredState(view, this.#own(view));
      if (this.#actual === undefined) await this.#clear(desired);
      const steps = planChanges(this.#actual ?? emptyState(), desired);
      for (const step of steps) {
        await applySteps(this.node, [step], this.#means.wireguard);
        if (step.kind === 'createWireguard') {
          this.#publicKey = await loadWireguardKey(this.node, this.#means.runFolder(this.node.name));
        }
      }
      if (this.#encryption !== 'wireguard') this.#publicKey = undefined;
      this.#actual = desired;
      this.#last = desired;
      this.#problem = undefined;
      this.#failures = 0;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Publishes what the others need, and what the agent's own commands print. */
  publish(): void {
    if (this.#problem || !this.isRunning) return;
    const { store } = this.#means;
    const { internal: internalAddress, health: healthAddress, podCidr } = this.addresses;
    const { name } = this.node;
    const published = {
      name,
      address: this.address,
      internalAddress,
      healthAddress,
      podCidr,
      bootId: this.#means.bootId,
    };
    publishNode(store, { ...published, keyId: this.keyId, publicKey: this.#publicKey });
    for (const [uid, endpoint] of this.pods) {
      const pod = store.get('Pod', endpoint.namespace, endpoint.name);
      if (pod?.metadata.uid === uid) publishEndpoint(store, pod, endpoint, this.address, this.keyId);
    }
    this.#writeFiles();
  }

  /** A disk that is full is no reason to end the lab: the agent's commands are then out of date. */
  #writeFiles(): void {
    try {
      this.#tryWriteFiles();
    } catch (error) {
      this.#means.log(`cilium-dbg on ${this.node.name} is out of date: ${messageOf(error)}`);
    }
  }

  #tryWriteFiles(): void {
    const { store } = this.#means;
    const { name } = this.node;
    writeAgentFiles(this.#means.runFolder(name), {
      view: this.#view(),
      node: name,
      encryption: this.#encryption ?? 'none',
      addresses: this.addresses,
      store,
    });
  }

  /** Removes all that this agent made or is about to make: the node is as if no agent had ever run. */
  async #clear(desired: CiliumNodeState): Promise<void> {
    await clearNode(this.node, [this.#last, desired], this.#means.wireguard);
  }

  /** The cluster as the CiliumNodes describe it. */
  #view(): CiliumView {
    const nodes = this.#means.store.list('CiliumNode').flatMap((object): CiliumNodeView[] => {
      const { name, address, internalAddress, podCidrs, bootId, keyId, publicKey } = readCiliumNode(
        object as CiliumNodeObject,
      );
      const [podCidr] = podCidrs;
      if (name === this.node.name || !address || !internalAddress || !podCidr) return [];
      return [
        {
          ...{ name, address, podCidr, internalAddress, bootId: bootId ?? '', publicKey },
          ...{ encryption: 'none', keys: [], publishedKeyId: keyId, pods: [] },
        },
      ];
    });
    const { internal: internalAddress, podCidr } = this.addresses;
    const own: CiliumNodeView = {
      ...{ name: this.node.name, address: this.address, podCidr, internalAddress, bootId: this.#means.bootId },
      ...{ encryption: this.#encryption ?? 'none', keys: this.#keys, publishedKeyId: this.keyId },
      pods: [...this.pods.values()],
    };
    return { nodes: [...nodes, own].sort((a, b) => (a.name < b.name ? -1 : 1)), hostMtu: this.#means.mtu };
  }

  #own(view: CiliumView): CiliumNodeView {
    const own = view.nodes.find(({ name }) => name === this.node.name);
    if (!own) throw new Error(`no node ${this.node.name}`);
    return own;
  }

  #failed(error: unknown): void {
    this.#problem = error instanceof Error ? error : new Error(String(error));
    this.#actual = undefined;
    this.#failures += 1;
    this.#means.log(`cilium on ${this.node.name}: ${this.#problem.message}`);
    this.log.write('error', 'Unable to configure the node', { error: this.#problem.message });
    if (this.#failures < ATTEMPTS && !(error instanceof AgentFatal)) this.isDirty = true;
  }

  #fatal(error: unknown): Error {
    this.#encryption = undefined;
    const message = error instanceof Error ? error.message : String(error);
    this.log.write('fatal', `unable to run agent: failed to start: ${message}`);
    return new AgentFatal(message);
  }
}
