import { setTimeout as sleep } from 'node:timers/promises';
import { labFailure, messageOf } from '../errors.ts';
import { isAway } from './transient.ts';

/** How soon a watch that ended or broke is started again, in ms. */
const AGAIN_MS = 200;

export interface Wait<T> {
  /** Lists the objects. */
  list: () => Promise<readonly T[]>;
  enough: (objects: readonly T[]) => boolean;
  /** Calls `changed` at each event, until the server ends the watch. */
  watch: (changed: () => void, signal: AbortSignal) => Promise<void>;
  /** How often the objects are listed even if there is no event, in ms. */
  everyMs?: number | undefined;
  timeoutMs: number;
  /** Says what is missing. */
  describe: (objects: readonly T[]) => string;
  update?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Waits until `enough` holds of the objects, and lists them again at each event. An API that is away for a moment counts as
 * "not yet". Throws failure 5 after `timeoutMs`, with `describe`'s words and the last error; what `enough` throws goes through.
 */
export function waitUntil<T>(wait: Wait<T>): Promise<readonly T[]> {
  const { timeoutMs, signal } = wait;
  let objects: readonly T[] = [];
  let away: string | undefined;
  const missing = () => `${wait.describe(objects)}${away === undefined ? '' : ` (last error: ${away})`}`;
  const isEnough = async (): Promise<boolean> => {
    try {
      objects = await wait.list();
      away = undefined;
    } catch (error) {
      if (!isAway(error)) throw error;
      away = messageOf(error);
    }
    if (away === undefined && wait.enough(objects)) return true;
    wait.update?.(`waiting, at most ${timeoutMs / 1000} s, for ${missing()}`);
    return false;
  };
  return new Promise<readonly T[]>((resolve, reject) => {
    const watching = new AbortController();
    const finish = (settle: () => void) => {
      settle();
      clearTimeout(late);
      clearInterval(timer);
      signal?.removeEventListener('abort', aborted);
      watching.abort();
    };
    const aborted = () => finish(() => reject(signal?.reason));
    const late = setTimeout(
      () => finish(() => reject(labFailure(`waited ${timeoutMs / 1000} s for ${missing()}`))),
      timeoutMs,
    );
    signal?.addEventListener('abort', aborted);
    let looking = false;
    let again = false;
    const look = async () => {
      again = looking;
      if (looking) return;
      looking = true;
      try {
        do {
          again = false;
          if (await isEnough()) return finish(() => resolve(objects));
        } while (again && !watching.signal.aborted);
      } catch (error) {
        finish(() => reject(error));
      } finally {
        looking = false;
      }
    };
    const timer = wait.everyMs === undefined ? undefined : setInterval(() => void look(), wait.everyMs);
    // A server ends a watch after a while, and a balancer ends it sooner: each time the objects are listed once more.
    const watchOn = async () => {
      await look();
      while (!watching.signal.aborted) {
        await wait
          .watch(() => void look(), watching.signal)
          .catch((error) => {
            if (!isAway(error)) throw error;
            away = messageOf(error);
          });
        await sleep(AGAIN_MS, undefined, { signal: watching.signal }).catch(() => undefined);
        if (!watching.signal.aborted) await look();
      }
    };
    watchOn().catch((error) => finish(() => reject(error)));
  });
}
