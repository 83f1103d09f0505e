import type { ReportedPair, ReportedRun } from './schema.ts';
import { type Case, junitXml } from './xml.ts';

/**
 * Returns a run as JUnit XML, with a case for each pair: against the claim is a `failure`, not known is an `error`, and not
 * tested is `skipped`.
 */
export function runJunit(run: ReportedRun): string {
  const start = Date.parse(run.startedAt);
  const seconds = run.endedAt === null ? 0 : Math.max(0, Date.parse(run.endedAt) - start) / 1000;
  const changed = run.evidence.changes.map(
    ({ file, reason }): Case => ({
      name: file,
      element: { kind: 'error', type: 'changed', message: `the evidence changed: ${reason}` },
    }),
  );
  return junitXml({
    className: `wglab.verify.${run.lab}`,
    name: `verify ${run.lab}`,
    seconds,
    properties: [
      ['engine', run.engine],
      ['claim', run.claim ?? 'none'],
      ['verdict', run.verdict ?? 'none'],
      ['record', `sha256:${run.evidence.digest}`],
    ],
    cases: [...changed, ...run.pairs.map((pair) => pairCase(pair, run.claim)), ...skipped(run)],
  });
}

function pairCase(pair: ReportedPair, claim: ReportedRun['claim']): Case {
  const name = `${pair.from} to ${pair.to}`;
  const { observation, reason } = pair;
  const leaks = claim === 'encrypted' && pair.plaintextPackets > 0;
  if (observation === 'inconclusive' && !leaks) {
    return { name, element: { kind: 'error', type: observation, message: reason } };
  }
  if (claim === null || (observation === claim && !leaks)) return { name };
  return { name, element: { kind: 'failure', type: observation, message: `${observation}: ${reason}` } };
}

function skipped({ notChosen, notTried }: ReportedRun): Case[] {
  const nodes = notChosen.map(({ node, reason }): Case => {
    return { name: `pairs with ${node}`, element: { kind: 'skipped', type: 'skipped', message: reason } };
  });
  const traffic = notTried.map((what): Case => {
    return { name: `not tested: ${what}`, element: { kind: 'skipped', type: 'skipped', message: what } };
  });
  return [...nodes, ...traffic];
}
