import type { Block, Step } from '../../lab/step.ts';
import type { CheckedCondition, EncryptionState, WirePacket } from './state.ts';

/** Everything that the screen asks of the runner of steps and of the lab. Every wait ends when `signal` aborts. */
export interface Tools {
  /** Runs all commands of a step; those in its background have ended when it resolves. Stops at the first that fails. */
  run(step: Step, listener: RunListener, signal: AbortSignal): Promise<void>;
  /** Runs one block; one in the background runs on until `endBackground`. Returns its exit status. */
  runBlock(block: Block, listener: Pick<RunListener, 'output' | 'command'>, signal: AbortSignal): Promise<number>;
  endBackground(): Promise<void>;
  check(step: Step, signal: AbortSignal): Promise<CheckedCondition[]>;
  undo(step: Step, signal: AbortSignal): Promise<void>;
  encryption(): Promise<EncryptionState>;
  watch(show: (packet: WirePacket) => void, signal: AbortSignal): Promise<void>;
  /** Returns when the lab was deployed, which identifies its deployment, or null if it is not deployed. */
  deployed(): Promise<string | null>;
  /** Runs a shell for the person, on the terminal as it is. */
  shell(): Promise<void>;
}

export interface RunListener {
  /** This block begins. */
  block(block: Block): void;
  /** This command of the block begins: the output that follows is its own. */
  command(text: string, block: Block): void;
  output(chunk: Buffer, block: Block): void;
  /** This block has ended; one in the background has begun to run. */
  ended(block: Block, status: number): void;
}
