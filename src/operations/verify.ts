import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Cluster } from '../kube/cluster.ts';
import { type EvidenceResult, judgeRun } from '../proof/evidence/judge-evidence.ts';
import { sealEvidence } from '../proof/evidence/seal.ts';
import { captureRun } from '../proof/live/capture-run.ts';
import { type Claim, RECORD_FILE } from '../proof/record.ts';
import { claimFolder, keepEvidence, newEvidenceFolder, pruneEvidence, releaseFolder } from '../state/evidence-store.ts';
import { checkKeyFile } from '../state/ssh-signature.ts';
import { VERSION } from '../version.ts';
import type { StandingLab } from './labs.ts';

export interface VerifyOptions {
  expect: Claim | null;
  /** A folder that does not exist yet, or is empty; a new one in the evidence store if undefined. */
  evidence?: string | undefined;
  /** A private SSH key that signs the evidence. */
  sign?: string | undefined;
  linger?: string[] | undefined;
  pairs?: number | 'all' | undefined;
}

export interface VerifyProgress {
  step(text: string): void;
  info(text: string): void;
}

/** Observes every pair of nodes of a lab, judges the claim, and leaves sealed evidence behind. */
export async function verify(
  lab: StandingLab,
  options: VerifyOptions,
  progress: VerifyProgress,
  signal: AbortSignal,
): Promise<EvidenceResult> {
  const keep = keepEvidence();
  if (options.sign !== undefined) await checkKeyFile(options.sign);
  const evidence = options.evidence ?? (await newEvidenceFolder(lab.state.name));
  if (options.evidence !== undefined) await claimFolder(evidence);
  let result: EvidenceResult;
  try {
    result = await observe(lab, options, evidence, progress, signal, false);
    if (wasTooBusy(result)) {
      await forgetWindow(evidence);
      progress.info('A node was too busy for its tap: capturing once more, with more room');
      result = await observe(lab, options, evidence, progress, signal, true);
    }
  } catch (error) {
    await forgetBrokenRun(evidence);
    throw error;
  }
  await sealEvidence(evidence, result, options.sign);
  await releaseFolder(evidence);
  if (options.evidence === undefined && keep) {
    const removed = await pruneEvidence(lab.state.name, keep, evidence);
    if (removed.length > 0)
      progress.info(`Removed the evidence of ${removed.length} old runs, as WGLAB_KEEP_EVIDENCE says`);
  }
  return result;
}

/** Captures one window of evidence, and judges it. */
async function observe(
  { state, access }: StandingLab,
  { linger = [], pairs, expect }: VerifyOptions,
  evidence: string,
  progress: VerifyProgress,
  signal: AbortSignal,
  busy: boolean,
): Promise<EvidenceResult> {
  await captureRun({
    cluster: Cluster.connect(access.kubeconfig),
    shell: access.shell,
    lab: state.name,
    engine: state.engine,
    dataplane: state.dataplane ?? null,
    podNamespace: access.podNamespace,
    outside: access.outside ?? new Map(),
    pairs,
    expect,
    version: VERSION,
    linger,
    evidence,
    progress: (step) => progress.step(step),
    signal,
    busy,
  });
  progress.step('Judging what was captured');
  return judgeRun(evidence);
}

/** Returns whether taps dropped packets and saw no plaintext: then another window may say more. Plaintext that was seen is not forgotten. */
function wasTooBusy({ verdict, pairs, taps }: EvidenceResult): boolean {
  if (verdict === 'fail') return false;
  return taps.some(({ dropped }) => (dropped ?? 0) > 0) && pairs.every((pair) => pair.plaintextPackets === 0);
}

async function forgetWindow(evidence: string): Promise<void> {
  for (const name of ['taps', RECORD_FILE]) await rm(join(evidence, name), { recursive: true, force: true });
}

/** Removes what a run that broke off left in its folder: without a record nobody can judge it. */
async function forgetBrokenRun(evidence: string): Promise<void> {
  await forgetWindow(evidence);
  await releaseFolder(evidence);
  // Not if somebody put something there meanwhile.
  await rmdir(evidence).catch(() => undefined);
}
