import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Cluster } from '../kube/cluster.ts';
import { judge } from '../proof/judge.ts';
import { captureRun } from '../proof/live/capture-run.ts';
import type { Claim } from '../proof/record.ts';
import type { VerifyResult } from '../proof/result.ts';
import { VERSION } from '../version.ts';
import type { StandingLab } from './labs.ts';

/** How many runs' evidence is kept in a lab's folder; older ones make room. */
const KEPT_RUNS = 20;

/** Observes every pair of nodes of a lab and judges the claim; the evidence stays in `evidence`, or in the lab's folder. */
export async function verify(
  lab: StandingLab,
  options: { expect: Claim | null; evidence?: string; linger?: string[]; pairs?: number | 'all' },
  progress: (step: string) => void,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const { state, paths, access } = lab;
  const evidence = options.evidence ?? join(paths.evidence, new Date().toISOString().replaceAll(':', '-'));
  await captureRun({
    cluster: Cluster.connect(access.kubeconfig),
    shell: access.shell,
    lab: state.name,
    engine: state.engine,
    dataplane: state.dataplane ?? null,
    podNamespace: access.podNamespace,
    outside: access.outside ?? new Map(),
    pairs: options.pairs,
    expect: options.expect,
    version: VERSION,
    linger: options.linger ?? [],
    evidence,
    progress,
    signal,
  });
  progress('Judging what was captured');
  const result = await judge(evidence);
  if (options.evidence === undefined) await forgetOldRuns(paths.evidence);
  return result;
}

async function forgetOldRuns(folder: string): Promise<void> {
  const runs = (await readdir(folder)).sort();
  for (const run of runs.slice(0, -KEPT_RUNS)) await rm(join(folder, run), { recursive: true, force: true });
}
