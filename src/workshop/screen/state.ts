import type { Condition } from '../../lab/lab-check.ts';
import type { LabText } from '../../lab/lab-text.ts';
import type { Block, Step } from '../../lab/step.ts';
import type { WatchedPacket } from '../../operations/capture.ts';

/** Everything that the screen shows; the actions that it starts are in `Effect`. */
export interface State {
  readonly lab: LabHead;
  readonly text: LabText;
  readonly size: Size;
  /** 0 is the introduction, then the steps, then the end. */
  readonly page: number;
  /** How many rows of the page are above the screen. */
  readonly scroll: number;
  /** The part of the page that is kept in sight while it grows; until the person scrolls. */
  readonly follow?: Part | undefined;
  /** Names of steps. */
  readonly done: ReadonlySet<string>;
  readonly skipped: ReadonlySet<string>;
  /** How many hints were asked for, by the name of the step. */
  readonly hints: Readonly<Record<string, number>>;
  /** The outcome of this page's blocks of commands, by their index. */
  readonly runs: Readonly<Record<number, BlockRun>>;
  readonly checked?: readonly CheckedCondition[] | undefined;
  readonly busy?: Busy | undefined;
  /** The time in ms, by a clock that only goes forward. */
  readonly now: number;
  readonly notice?: Notice | undefined;
  readonly overlay?: Overlay | undefined;
  readonly encryption: EncryptionState;
  readonly wire?: Wire | undefined;
  readonly stage?: Stage | undefined;
}

export interface LabHead {
  name: string;
  /** The words that a person types for this lab: its name, or the path of its file. */
  called: string;
  minutes: number;
}

export interface Size {
  columns: number;
  rows: number;
}

export type Part = 'run' | 'check' | 'hint';

export interface BlockRun {
  /** The commands that have begun, with what each printed. */
  commands: readonly { text: string; output: string }[];
  /** Missing while it runs. */
  status?: number;
}

export interface CheckedCondition {
  condition: Condition;
  holds: boolean;
  seen: string;
}

export interface Busy {
  doing: 'run' | 'check' | 'undo' | 'survey' | 'repeat';
  text: string;
  since: number;
  /** It is being stopped. */
  stopping?: boolean;
}

export interface Notice {
  kind: 'good' | 'bad' | 'warning';
  text: string;
}

export type Overlay =
  | { kind: 'list'; chosen: number }
  | { kind: 'help'; scroll: number }
  | { kind: 'ask-undo' }
  /** Steps whose checks no longer hold since the lab was deployed again, or destroyed. */
  | { kind: 'ask-repeat'; lost: readonly string[] };

export type EncryptionState = 'unknown' | 'no lab' | 'off' | 'on' | 'changing';

export interface Wire {
  size: 'half' | 'full';
  packets: readonly WirePacket[];
  /** The person wants to read. */
  frozen?: boolean;
  /** Why there is nothing more to see. */
  problem?: string | undefined;
}

export interface WirePacket extends WatchedPacket {
  /** The first bytes of an encrypted packet, as a hex dump. */
  bytes?: string;
}

/** A presenter's place within a step. */
export interface Stage {
  /** False while the presenter has all the keys. */
  active: boolean;
  /** The index of the next block of commands; the number of blocks if there is none. */
  next: number;
  phase: 'waiting' | 'typing' | 'typed' | 'running';
  /** How many characters of its script have been typed. */
  typed: number;
}

export type Event =
  | { kind: 'key'; key: string }
  | { kind: 'paste' }
  | { kind: 'resize'; size: Size }
  /** Time has passed: `now` has changed. */
  | { kind: 'tick' }
  | { kind: 'typed' }
  | { kind: 'block'; block: number }
  | { kind: 'command'; block: number; text: string }
  | { kind: 'output'; block: number; text: string }
  | { kind: 'block-ended'; block: number; status: number }
  | { kind: 'ran' }
  | { kind: 'checked'; conditions: readonly CheckedCondition[] }
  | { kind: 'undone' }
  | { kind: 'surveyed'; lost: readonly string[] }
  | { kind: 'repeating'; step: Step }
  | { kind: 'repeated'; holding: readonly string[]; problem?: string }
  | { kind: 'failed'; message: string }
  | { kind: 'unsaved'; message: string }
  | { kind: 'stopped' }
  | { kind: 'encryption'; state: EncryptionState }
  | { kind: 'packets'; packets: readonly WirePacket[] }
  | { kind: 'wire-ended'; problem: string };

/** An action outside the model; its outcome comes back as an event. */
export type Effect =
  | { kind: 'run'; step: Step }
  | { kind: 'run-block'; step: Step; block: number }
  /** Ends the background blocks of a step. */
  | { kind: 'end-background' }
  | { kind: 'check'; step: Step }
  | { kind: 'undo'; step: Step }
  | { kind: 'survey'; steps: readonly Step[] }
  | { kind: 'repeat'; steps: readonly Step[] }
  /** Stops what runs. */
  | { kind: 'stop' }
  | { kind: 'type' }
  | { kind: 'shell' }
  | { kind: 'watch' }
  | { kind: 'unwatch' }
  | { kind: 'save' }
  | { kind: 'suspend' }
  | { kind: 'redraw' }
  | { kind: 'leave'; interrupted: boolean };

export interface Update {
  state: State;
  effects: readonly Effect[];
}

export function stepOf({ text, page }: Pick<State, 'text' | 'page'>): Step | undefined {
  return text.steps[page - 1];
}

export function lastPage({ text }: Pick<State, 'text'>): number {
  return text.steps.length + 1;
}

/** Returns the index of the first block of commands from `from` on; the number of blocks if there is none. */
export function nextCommands(blocks: readonly Block[], from: number): number {
  const found = blocks.findIndex(({ kind }, i) => i >= from && kind === 'commands');
  return found < 0 ? blocks.length : found;
}
