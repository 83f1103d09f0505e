import { setTimeout as delay } from 'node:timers/promises';

/** Waits until something holds, and says what did not come after `ms`. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  ms = 30_000,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${typeof what === 'string' ? what : what()}`);
    await delay(5);
  }
}
