import type { Condition } from './lab-check.ts';
import type { Place } from './problem.ts';

/** One step of a lab: the text, the commands to type, and the check that knows whether it happened. */
export interface Step {
  title: string;
  /** From the title, unique in the lab: `turn-on-encryption`. */
  name: string;
  place: Place;
  /** In their order: what a person reads. */
  blocks: Block[];
  /** All must hold. Empty if there is nothing to check. */
  check: Condition[];
  hints: Hint[];
  /** A script that undoes the step. */
  undo?: string;
}

export type Block =
  | { kind: 'prose'; markdown: string; place: Place }
  /** `background`: keeps running in a second terminal while the later blocks of the step run. */
  | { kind: 'commands'; script: string; background: boolean; place: Place }
  /** An example of what the commands before it print. */
  | { kind: 'output'; text: string; place: Place }
  | { kind: 'picture'; text: string; place: Place };

export interface Hint {
  title: string;
  markdown: string;
}
