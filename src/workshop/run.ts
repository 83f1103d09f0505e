import { labFailure } from '../errors.ts';
import { showPlace } from '../lab/problem.ts';
import type { Step } from '../lab/step.ts';
import type { Background, BlockRun, CommandsBlock } from './block-run.ts';
import { MarkFilter, markedScript } from './commands.ts';
import { type Job, startJob, within } from './job.ts';
import type { Session } from './session.ts';

export interface BlockListener {
  /** Receives what `block` printed; blocks in the background print at any time. */
  output(chunk: Buffer, block: CommandsBlock): void;
  /** The next command of the block begins: the output that follows is its own. */
  command?(text: string, block: CommandsBlock): void;
}

export interface StepListener extends BlockListener {
  block(block: CommandsBlock): void;
}

export interface StepRun {
  /** Every command succeeded. Commands after one that failed were not run. */
  ok: boolean;
  blocks: BlockRun[];
  seconds: number;
}

/** How long the commands of one block may take, in ms. */
export const BLOCK_MS = 5 * 60_000;
/** How long a block in the background may take until it prints something, before the next block runs, in ms: `nc -l` never does. */
const SPEAKS_MS = 3_000;
/** The exit status that `timeout` returns for a command that took too long. */
const TIMED_OUT = 124;

/** How many bytes of a block's output are kept: a capture that nobody ends must not fill the memory. */
const KEPT_BYTES = 2_000_000;

/** Runs the commands of one block. A block in the background keeps running until `endBackground` or the end of the session. */
export async function runBlock(
  session: Session,
  block: CommandsBlock,
  listener: BlockListener,
  signal: AbortSignal,
): Promise<BlockRun> {
  signal.throwIfAborted();
  const { job, run } = start(session, block, listener);
  if (block.background) {
    session.background.push({ job, run });
    await unlessAborted(job, signal, within(job.speaks, SPEAKS_MS));
    return run(null);
  }
  if (await unlessAborted(job, signal, within(job.ended, BLOCK_MS))) return run(await job.ended);
  await job.interrupt();
  return { ...run(TIMED_OUT), problem: `it took more than ${BLOCK_MS / 60_000} minutes, and was ended` };
}

/** Runs all blocks of a step, one after the other, and ends those in the background when the others are over. */
export async function runStep(
  session: Session,
  step: Step,
  listener: StepListener,
  signal: AbortSignal,
): Promise<StepRun> {
  const began = performance.now();
  const runs: BlockRun[] = [];
  try {
    for (const block of step.blocks) {
      if (block.kind !== 'commands') continue;
      listener.block(block);
      const run = await runBlock(session, block, listener, signal);
      runs.push(run);
      if (!block.background && run.status !== 0) break;
    }
  } finally {
    for (const last of await endBackground(session)) {
      const i = runs.findIndex(({ block }) => block === last.block);
      if (i >= 0) runs[i] = last;
    }
  }
  const ok = runs.every(({ block, status }) => status === 0 || (block.background && status === null));
  return { ok, blocks: runs, seconds: (performance.now() - began) / 1000 };
}

/** Ends the blocks that run in the background, as Ctrl-C does. A block that had ended by itself keeps its exit status. */
export function endBackground(session: Session): Promise<BlockRun[]> {
  return Promise.all(
    session.background.splice(0).map(async ({ job, run }) => {
      const status = job.running ? null : await job.ended;
      await job.interrupt();
      return run(status);
    }),
  );
}

/** Undoes a step. Throws a lab failure if that did not work; does nothing for a step that has no undo. */
export async function undoStep(session: Session, step: Step, signal: AbortSignal): Promise<void> {
  await endBackground(session);
  if (step.undo === undefined) return;
  const job = startJob(step.undo, { cwd: session.notebook, env: session.environment });
  const inTime = await unlessAborted(job, signal, within(job.ended, BLOCK_MS));
  if (!inTime) await job.interrupt();
  const status = await job.ended;
  if (inTime && status === 0) return;
  throw labFailure(`the step "${step.title}" could not be taken back (${showPlace(step.place)})`, {
    detail: `${step.undo}\n${job.printed()}${inTime ? `exit status ${status}` : 'it took too long, and was ended'}`,
  });
}

function start(session: Session, block: CommandsBlock, listener: BlockListener): Background {
  const { commands, script, mark } = markedScript(block.script);
  const begun: { text: string; chunks: Buffer[] }[] = [];
  let room = KEPT_BYTES;
  const next = () => {
    const text = commands[begun.length] ?? '';
    begun.push({ text, chunks: [] });
    listener.command?.(text, block);
  };
  const take = (chunk: Buffer) => {
    if (room > 0) begun.at(-1)?.chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
    listener.output(chunk, block);
  };
  const filter = new MarkFilter(mark, take, next);
  next();
  const output = (chunk: Buffer) => filter.write(chunk);
  const job = startJob(script, { cwd: session.notebook, env: session.environment, output });
  const run = (status: number | null): BlockRun => {
    if (!job.running) filter.end();
    const ran = begun.map(({ text, chunks }) => ({ text, output: Buffer.concat(chunks).toString() }));
    return { block, status, output: ran.map((each) => each.output).join(''), commands: ran };
  };
  return { job, run };
}

/** Returns the result of `state`; if the signal aborts first, ends the job and throws the signal's reason. */
export async function unlessAborted<T>(job: Job, signal: AbortSignal, state: Promise<T>): Promise<T> {
  const over = new AbortController();
  const aborted = new Promise<'aborted'>((resolve) => {
    signal.addEventListener('abort', () => resolve('aborted'), { signal: over.signal });
  });
  try {
    const result = signal.aborted ? 'aborted' : await Promise.race([state, aborted]);
    if (result !== 'aborted') return result;
    await job.interrupt();
    throw signal.reason;
  } finally {
    over.abort();
  }
}
