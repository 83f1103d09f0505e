import type { Record } from '../record.ts';
import type { KnownNode } from './node-choice.ts';
import type { NodeSession } from './node-session.ts';
import type { Plan } from './plan.ts';

type Problem = Record['problems'][number];
type Which = 'open' | 'close';

/** The discard service: no answer is expected. */
const CONTROL_PORT = 9;

/** How long the closing packets may take to be captured, in ms: on a busy node a second; on a quiet one, less than one. */
const CLOSING_MS = 5_000;
/** How long the opening packets may take in all, and until they are sent again, in ms. */
const OPENING_MS = 3_000;
const AGAIN_MS = 200;

/** The packets that a run sends from every node to the others, in plaintext on purpose: they show that the taps are alive. */
export class ControlPackets {
  readonly #sessions: readonly NodeSession[];
  readonly #addresses: ReadonlyMap<string, string>;
  readonly #plan: Pick<Plan, 'controls' | 'markers'>;

  constructor(sessions: readonly NodeSession[], nodes: readonly KnownNode[], plan: Pick<Plan, 'controls' | 'markers'>) {
    this.#sessions = sessions;
    this.#addresses = new Map(nodes.map(({ name, address }) => [name, address]));
    this.#plan = plan;
  }

  /**
   * Sends the opening packets until each is captured. libpcap judges the first packets once more outside the kernel, where it
   * cannot know `outbound`, and drops them: one on a quiet node, those of a second on a busy one.
   */
  async open(): Promise<Problem[]> {
    await this.#send('open');
    for (const end = performance.now() + OPENING_MS; performance.now() < end; ) {
      const problems = await this.#send('open');
      if (problems.length > 0 || (await this.#captured('open', AGAIN_MS))) return problems;
    }
    return []; // the judge sees which are missing
  }

  /** Sends the closing packets. */
  close(): Promise<Problem[]> {
    for (const session of this.#sessions) session.lookBehind();
    return this.#send('close');
  }

  /** Waits until all closing packets are captured. */
  async closed(): Promise<void> {
    await this.#captured('close', CLOSING_MS);
  }

  async #captured(which: Which, ms: number): Promise<boolean> {
    const captured = await Promise.all(
      this.#sessions.map((session) => {
        const texts = this.#from(session).map((control) => this.#text(control, which));
        return !session.captures || session.saw(texts, texts.length, ms);
      }),
    );
    return captured.every((one) => one);
  }

  async #send(which: Which): Promise<Problem[]> {
    const sent = this.#sessions.map(async (session): Promise<Problem[]> => {
      const packets = this.#from(session).map((control) => ({
        address: this.#addresses.get(control.to) ?? '',
        port: CONTROL_PORT,
        text: this.#text(control, which),
      }));
      const message = await session.sendControls(packets);
      return message === undefined ? [] : [{ node: session.node, message }];
    });
    return (await Promise.all(sent)).flat();
  }

  #from({ node }: NodeSession) {
    return this.#plan.controls.filter(({ from }) => from === node);
  }

  #text(control: Plan['controls'][number], which: Which): string {
    return this.#plan.markers[control[which]] ?? '';
  }
}
