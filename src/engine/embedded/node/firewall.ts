import { messageOf } from '../../../errors.ts';
import type { FirewallState } from '../dataplane/firewall.ts';
import { firewallChanges, readFirewall } from '../dataplane/firewall-changes.ts';
import { runTool } from '../processes.ts';
import type { NodeNamespaces } from './node-namespaces.ts';

/** How long Felix must have had nothing to do, in ms, before it makes the firewall of nodes that have none yet. */
const QUIET_MS = 500;

/** What of iptables' tools a machine lacks, or its kernel, is told once for all nodes of a lab. */
export interface FirewallTeller {
  isMissing: boolean;
  tell(why: string): void;
}

/**
 * The firewall of one node. Nothing in a lab depends on it, so that it is first made when the node has become quiet and nobody
 * waits for it; later, and where WireGuard is on, it changes together with the rest.
 */
export class NodeFirewall {
  readonly #node: NodeNamespaces;
  readonly #teller: FirewallTeller;
  /** What was made, as text; undefined where one must look. */
  #made: string | undefined;
  #isBegun = false;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<boolean> = Promise.resolve(false);

  constructor(node: NodeNamespaces, teller: FirewallTeller) {
    this.#node = node;
    this.#teller = teller;
  }

  /** Look at what is there before the next change: Felix starts anew. */
  forget(): void {
    this.#made = undefined;
  }

  /** Makes the firewall this; resolves with whether anything was changed. Where it may wait, it does, and resolves at once. */
  async set(state: FirewallState, mayWait: boolean, changed: () => void): Promise<void> {
    clearTimeout(this.#timer);
    const wanted = JSON.stringify(state);
    if (this.#teller.isMissing || wanted === this.#made) return;
    if (state.chains.length === 0 && !this.#isBegun) return;
    if (mayWait && !this.#isBegun) {
      this.#timer = setTimeout(() => void this.set(state, false, changed), QUIET_MS);
      this.#timer.unref();
      return;
    }
    this.#isBegun = true;
    this.#last = this.#last.then(() => this.#apply(state, wanted));
    if (await this.#last) changed();
  }

  async #apply(state: FirewallState, wanted: string): Promise<boolean> {
    if (this.#teller.isMissing || !this.#node.isAlive) return false;
    try {
      const input = firewallChanges(readFirewall(await runTool(this.#node.enter(['iptables-save']))), state);
      // All of it in one process, and each table at one stroke: no packet meets half of it.
      if (input) await runTool(this.#node.enter(['iptables-restore', '--noflush', '--wait', '5']), input);
      this.#made = wanted;
      return input !== '';
    } catch (error) {
      // Without iptables, or where the kernel lacks a module that only the machine's root can load.
      if (this.#node.isAlive) this.#teller.tell(messageOf(error));
      return false;
    }
  }
}
