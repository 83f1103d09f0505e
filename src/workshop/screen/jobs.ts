import { StringDecoder } from 'node:string_decoder';
import { Failure } from '../../errors.ts';
import type { Block, Step } from '../../lab/step.ts';
import type { Effect, Event } from './state.ts';
import type { RunListener, Tools } from './tools.ts';

type Job = Extract<Effect, { kind: 'run' | 'run-block' | 'check' | 'undo' | 'survey' | 'repeat' }>;

/** How long output is gathered before it is shown, in ms. */
const GATHER_MS = 50;

/** Does one thing at a time for the screen, and reports the outcome; `broken` receives unexpected errors. */
export class Jobs {
  readonly #tools: Tools;
  readonly #tell: (event: Event) => void;
  readonly #broken: (error: unknown) => void;
  #stop = new AbortController();
  #working: Promise<void> = Promise.resolve();

  constructor(tools: Tools, tell: (event: Event) => void, broken: (error: unknown) => void) {
    this.#tools = tools;
    this.#tell = tell;
    this.#broken = broken;
  }

  /** `afterwards` is called once it is over, however it ended. */
  begin(effect: Job | Extract<Effect, { kind: 'stop' | 'end-background' }>, afterwards: () => void): void {
    if (effect.kind === 'stop') {
      this.#stop.abort();
      return;
    }
    if (effect.kind !== 'end-background') this.#stop = new AbortController();
    const { signal } = this.#stop;
    const work = async () => {
      try {
        if (effect.kind === 'end-background') await this.#tools.endBackground();
        else this.#tell(await this.#outcome(effect, signal));
      } catch (error) {
        if (signal.aborted) this.#tell({ kind: 'stopped' });
        else if (error instanceof Failure) this.#tell({ kind: 'failed', message: oneLine(error) });
        else this.#broken(error);
      }
      afterwards();
    };
    this.#working = this.#working.then(work);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#working;
    await this.#tools.endBackground();
  }

  async #outcome(job: Job, signal: AbortSignal): Promise<Event> {
    switch (job.kind) {
      case 'run':
        await this.#listening(job.step, (listener) => this.#tools.run(job.step, listener, signal));
        signal.throwIfAborted();
        return { kind: 'ran' };
      case 'run-block':
        return this.#runBlock(job.step, job.block, signal);
      case 'check':
        return { kind: 'checked', conditions: await this.#tools.check(job.step, signal) };
      case 'undo':
        await this.#tools.undo(job.step, signal);
        return { kind: 'undone' };
      case 'survey':
        return { kind: 'surveyed', lost: await this.#lost(job.steps, signal) };
      case 'repeat':
        return this.#repeat(job.steps, signal);
    }
  }

  async #runBlock(step: Step, index: number, signal: AbortSignal): Promise<Event> {
    const block = step.blocks[index];
    if (!block) return { kind: 'ran' };
    this.#tell({ kind: 'block', block: index });
    let status = 0;
    await this.#listening(step, async (listener) => {
      status = await this.#tools.runBlock(block, listener, signal);
    });
    signal.throwIfAborted();
    return { kind: 'block-ended', block: index, status };
  }

  /** Reports output in batches, because it arrives in many small pieces. */
  async #listening(step: Step, work: (listener: RunListener) => Promise<void>): Promise<void> {
    const gathered = new Map<Block, string>();
    const decoders = new Map<Block, StringDecoder>();
    const flush = () => {
      for (const [block, text] of gathered) this.#tell({ kind: 'output', block: step.blocks.indexOf(block), text });
      gathered.clear();
    };
    const timer = setInterval(flush, GATHER_MS);
    try {
      await work({
        block: (block) => {
          flush();
          this.#tell({ kind: 'block', block: step.blocks.indexOf(block) });
        },
        command: (text, block) => {
          flush();
          this.#tell({ kind: 'command', block: step.blocks.indexOf(block), text });
        },
        output: (chunk, block) => {
          const decoder = decoders.get(block) ?? new StringDecoder('utf8');
          decoders.set(block, decoder);
          gathered.set(block, (gathered.get(block) ?? '') + decoder.write(chunk));
        },
        ended: (block, status) => {
          flush();
          this.#tell({ kind: 'block-ended', block: step.blocks.indexOf(block), status });
        },
      });
    } finally {
      clearInterval(timer);
      flush();
    }
  }

  async #lost(steps: readonly Step[], signal: AbortSignal): Promise<string[]> {
    const lost: string[] = [];
    for (const step of steps) {
      if (!(await this.#holds(step, signal))) lost.push(step.name);
    }
    return lost;
  }

  /** Repeats, in their order, the steps whose check does not hold; a step without a check is always repeated. */
  async #repeat(steps: readonly Step[], signal: AbortSignal): Promise<Event> {
    const holding: string[] = [];
    const nobody = () => undefined;
    const silent: RunListener = { block: nobody, command: nobody, output: nobody, ended: nobody };
    for (const step of steps) {
      this.#tell({ kind: 'repeating', step });
      if (step.check.length === 0 || !(await this.#holds(step, signal))) await this.#tools.run(step, silent, signal);
      signal.throwIfAborted();
      if (!(await this.#holds(step, signal))) {
        return { kind: 'repeated', holding, problem: `"${step.title}" does not hold yet.` };
      }
      holding.push(step.name);
    }
    return { kind: 'repeated', holding };
  }

  async #holds(step: Step, signal: AbortSignal): Promise<boolean> {
    const checked = await this.#tools.check(step, signal);
    signal.throwIfAborted();
    return checked.every(({ holds }) => holds);
  }
}

function oneLine({ message, remedy }: Failure): string {
  return remedy === undefined ? message : `${message}: ${remedy}`;
}
