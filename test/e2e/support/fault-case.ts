import { expect, it } from 'vitest';
import type { PairObservation } from '../../../src/proof/observe.ts';
import type { VerifyResult } from '../../../src/proof/result.ts';
import type { Undo } from './faults.ts';
import type { TestLab } from './lab.ts';
import type { LabPool } from './lab-pool.ts';

/** Waiting for a lab included. */
export const FAULT_MS = 240_000;

export interface Fault {
  /** Brings the fault in, and returns how to remove it. */
  bring(lab: TestLab): Promise<Undo>;
  status: 1 | 3;
  check(result: VerifyResult): void | Promise<void>;
}

/** Makes a test that brings a fault into a lab whose traffic is encrypted, verifies, removes the fault, and verifies again. */
export function faultsIn(pool: LabPool): (name: string, fault: Fault) => void {
  return (name, { bring, status, check }) => {
    it.concurrent(name, { timeout: FAULT_MS }, () =>
      pool.use(async (lab) => {
        const undo = await bring(lab);
        const { status: got, result } = await lab.verify('encrypted');
        expect(got, story(result)).toBe(status);
        expect(result.verdict).toBe(status === 1 ? 'fail' : 'inconclusive');
        try {
          await check(result);
        } catch (error) {
          throw new Error(`${error instanceof Error ? error.message : error}\n${story(result)}`, { cause: error });
        }
        if (!undo) return 'spoilt';
        await undo();
        const after = await lab.verify('encrypted');
        expect(after.status, story(after.result)).toBe(0);
        return 'as it was';
      }),
    );
  };
}

export function pair(result: VerifyResult, from: string, to: string): PairObservation {
  const found = result.pairs.find((one) => one.from === from && one.to === to);
  if (!found) throw new Error(`there is no pair ${from} to ${to}`);
  return found;
}

/** For the message of a failed test. */
export function story({ summary, pairs, taps, problems }: VerifyResult): string {
  const lines = pairs.map((one) => `${one.from} → ${one.to}: ${one.observation}: ${one.reason}`);
  return [summary, ...lines, JSON.stringify(taps), JSON.stringify(problems)].join('\n');
}
