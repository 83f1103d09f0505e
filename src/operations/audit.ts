import { randomBytes } from 'node:crypto';
import type { ExistingCluster } from '../engine/engine.ts';
import { Failure, messageOf } from '../errors.ts';
import type { Claim } from '../proof/record.ts';
import { checkEmptyFolder } from '../state/evidence-store.ts';
import { checkKeyFile } from '../state/ssh-signature.ts';
import { deploy } from './deploy.ts';
import { destroy } from './destroy.ts';
import { standingLab } from './labs.ts';
import { type WrittenReport, writeReport } from './report/write.ts';
import { verify } from './verify.ts';

export interface AuditRequest {
  /** A lab that is running already; a cluster that exists if undefined. */
  lab?: string | undefined;
  existing: ExistingCluster;
  expect: Claim;
  /** A new folder for the report. */
  report: string;
  sign?: string | undefined;
  pairs?: number | 'all' | undefined;
  standards: readonly string[];
}

export interface AuditListener {
  step(text: string): void;
  update(text: string): void;
  info(text: string): void;
}

/**
 * Proves a claim about a cluster that exists, and leaves nothing but a report: makes probes, verifies, removes the probes, writes
 * the report. The probes are removed however it ends. On a lab that is running it makes and removes nothing.
 */
export async function audit(
  request: AuditRequest,
  listener: AuditListener,
  signal: AbortSignal,
): Promise<WrittenReport> {
  await checkEmptyFolder(request.report);
  if (request.sign !== undefined) await checkKeyFile(request.sign);
  if (request.lab !== undefined) return proveAndReport(request.lab, request, listener, signal);
  const name = `audit-${randomBytes(3).toString('hex')}`;
  let failure: { error: unknown } | undefined;
  let written: WrittenReport | undefined;
  try {
    const made = { lab: 'wireguard', name, engine: 'kubernetes', keep: false, existing: request.existing } as const;
    await deploy(made, listener, signal);
    written = await proveAndReport(name, request, listener, signal);
  } catch (error) {
    failure = { error };
  }
  listener.step('Removing the probes');
  try {
    // Also if it was interrupted: that is what the user wants most.
    await destroy(name);
  } catch (error) {
    throw withLeftovers(error, name, failure?.error);
  }
  if (failure) throw signal.aborted ? signal.reason : failure.error;
  return written as WrittenReport;
}

async function proveAndReport(
  lab: string,
  { expect, report, sign, pairs, standards }: AuditRequest,
  listener: AuditListener,
  signal: AbortSignal,
): Promise<WrittenReport> {
  const result = await verify(await standingLab(lab), { expect, sign, pairs }, listener, signal);
  listener.step('Writing the report');
  return writeReport({ evidence: result.evidence, output: report, standards });
}

function withLeftovers(error: unknown, name: string, before: unknown): Failure {
  const { exitCode = 5, remedy } = error instanceof Failure ? error : {};
  return new Failure(exitCode, `the probes could not be removed: ${messageOf(error)}`, {
    remedy: remedy ?? `wglab destroy ${name} removes what is left of them.`,
    ...(before === undefined ? {} : { detail: `Before that: ${messageOf(before)}` }),
    cause: error,
  });
}
