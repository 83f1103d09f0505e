import { messageOf } from '../../../errors.ts';
import { runTool } from '../../../process/tool.ts';
import type { NodeNamespace } from '../../node.ts';
import type { FirewallState } from '../dataplane/firewall.ts';
import { firewallChanges, readFirewall } from '../dataplane/firewall-changes.ts';

/** Tells once for all nodes of a lab what of iptables' tools the machine lacks, or its kernel; then it is not tried any more. */
export class FirewallTeller {
  readonly #tell: (why: string) => void;
  #isMissing = false;

  constructor(tell: (why: string) => void) {
    this.#tell = tell;
  }

  get isMissing(): boolean {
    return this.#isMissing;
  }

  missing(why: string): void {
    if (!this.#isMissing) this.#tell(why);
    this.#isMissing = true;
  }
}

/** The firewall that a node should have. */
export interface FirewallWish {
  /** Asked for only when it is made: for many nodes it is long. */
  state: () => FirewallState;
  /** Nobody waits for it. */
  mayWait: boolean;
  /** Told where something was changed. */
  changed: () => void;
}

/**
 * The firewall of one node. Nothing in a lab depends on it, so that it is first made when the lab has become quiet (`catchUp`);
 * later, and where WireGuard is on, it changes together with the rest.
 */
export class NodeFirewall {
  readonly #node: NodeNamespace;
  readonly #teller: FirewallTeller;
  /** The firewall that was made, as text; undefined if it must be read. */
  #made: string | undefined;
  #isBegun = false;
  /** The firewall that waits until the lab is quiet. */
  #waiting: FirewallWish | undefined;
  #last: Promise<boolean> = Promise.resolve(false);

  constructor(node: NodeNamespace, teller: FirewallTeller) {
    this.#node = node;
    this.#teller = teller;
  }

  /** Makes the next change read what exists first: Felix restarts. */
  forget(): void {
    this.#made = undefined;
  }

  /** Makes the firewall what is wanted; if that may wait, this resolves at once. */
  async set(wish: FirewallWish): Promise<void> {
    this.#waiting = wish.mayWait && !this.#isBegun ? wish : undefined;
    if (!this.#waiting) await this.#make(wish);
  }

  /** Makes what was left for later. */
  async catchUp(): Promise<void> {
    const wish = this.#waiting;
    this.#waiting = undefined;
    if (wish) await this.#make(wish);
  }

  async #make({ state, changed }: FirewallWish): Promise<void> {
    if (this.#teller.isMissing) return;
    const wished = state();
    const text = JSON.stringify(wished);
    if (text === this.#made || (wished.chains.length === 0 && !this.#isBegun)) return;
    this.#isBegun = true;
    this.#last = this.#last.then(() => this.#apply(wished, text));
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
      // Without iptables, or if the kernel lacks a module that only the machine's root can load.
      if (this.#node.isAlive) this.#teller.missing(messageOf(error));
      return false;
    }
  }
}
