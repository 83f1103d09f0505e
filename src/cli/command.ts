import type { Command } from 'commander';
import type { Context } from './context.ts';

/** Does the work of a command, and returns the exit status. */
export type Action<A extends unknown[]> = (context: Context, ...args: A) => Promise<number | undefined>;

/**
 * Makes an action for commander of one of ours, which gets a context and returns the exit status. What a command does is loaded only
 * when it is called, so that no command waits for the code of another.
 */
export type Run = <A extends unknown[]>(load: () => Promise<Action<A>>) => (...args: unknown[]) => Promise<void>;

/** Defines a command: its arguments, its options, its help and what it does. */
export type Define = (run: Run) => Command;
