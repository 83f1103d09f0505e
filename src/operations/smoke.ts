import { join } from 'node:path';
import { engineOf } from '../engine/engines.ts';
import { ExitCode, Failure, messageOf, usageFailure } from '../errors.ts';
import { Cluster } from '../kube/cluster.ts';
import { findLab } from '../lab/lab-definition.ts';
import type { Reporter } from '../process/reporter.ts';
import type { Claim } from '../proof/record.ts';
import type { VerifyResult } from '../proof/result.ts';
import type { Phase, SmokeResult } from '../report/smoke.ts';
import { checkEmptyFolder } from '../state/evidence-store.ts';
import { deploy } from './deploy.ts';
import type { DeployRequest } from './deploy-request.ts';
import { destroy } from './destroy.ts';
import { type StandingLab, standingLab } from './labs.ts';
import { turnEncryption } from './turn-encryption.ts';
import { verify } from './verify.ts';

export interface SmokeListener extends Omit<Reporter, 'timed'> {
  phase(name: string): void;
  observed(result: VerifyResult): void;
  ended(phase: Phase): void;
}

type Worst = Phase['verdict'];

/** Texts that a frontend sends in plaintext once a second: the plaintext phases wait for them, so that there are secrets to show. */
const SECRETS = ['Authorization: Bearer'];

/**
 * The whole story in one go, for a pipeline: deploy, plaintext, encrypt, ciphertext, off, plaintext again, destroy. A phase that
 * does not pass ends it, except that the lab is always destroyed. It throws only for wrong usage: the result reports everything else.
 */
export async function smoke(
  wanted: DeployRequest & { evidence?: string },
  listener: SmokeListener,
  signal: AbortSignal,
): Promise<SmokeResult & { exitCode: ExitCode }> {
  if (wanted.engine !== 'auto' && !(await engineOf(wanted.engine)).ownsCluster) {
    throw usageFailure('smoke turns encryption on and off, which is not for a cluster that is there already', {
      remedy: 'wglab deploy, verify, and destroy do the same without changing it',
    });
  }
  if (wanted.evidence !== undefined) await checkEmptyFolder(wanted.evidence);
  // It has a name of its own, so that it does not collide with a lab that is running.
  const request = { ...wanted, name: wanted.name ?? `${(await findLab(wanted.lab)).name}-smoke` };
  const began = performance.now();
  const phases: Phase[] = [];
  let lab: StandingLab | undefined;
  let exitCode: ExitCode = ExitCode.done;
  const phase = async (name: string, work: () => Promise<Omit<Phase, 'name' | 'seconds'>>): Promise<boolean> => {
    const start = performance.now();
    listener.phase(name);
    const outcome = await work().catch((error) => {
      exitCode = error instanceof Failure ? error.exitCode : ExitCode.labFailed;
      return { verdict: 'error' as Worst, detail: explain(error) };
    });
    const ended = { name, seconds: round((performance.now() - start) / 1000), ...outcome };
    phases.push(ended);
    listener.ended(ended);
    return ended.verdict === 'pass';
  };
  const standing = () => lab as StandingLab;
  const prove = (expect: Claim, folder: string) => async () => {
    const evidence = request.evidence === undefined ? {} : { evidence: join(request.evidence, folder) };
    const linger = expect === 'plaintext' ? SECRETS : [];
    const result = await verify(standing(), { expect, linger, ...evidence }, listener, signal);
    listener.observed(result);
    return { verdict: result.verdict ?? 'inconclusive', detail: result.summary };
  };
  const turn = (on: boolean) => async () => {
    const { access } = standing();
    const { nodes } = await turnEncryption(
      Cluster.connect(access.kubeconfig),
      access.shell,
      on ? 'wireguard' : 'none',
      {
        signal,
        update: (text) => listener.update(text),
        info: (text) => listener.info(text),
      },
    );
    return { verdict: 'pass' as const, detail: `WireGuard is ${on ? 'on' : 'off'} on ${nodes.length} nodes` };
  };
  let name: string | undefined;
  const story: [string, () => Promise<Omit<Phase, 'name' | 'seconds'>>][] = [
    [
      'deploy',
      async () => {
        const { state, changed } = await deploy(request, listener, signal);
        if (!changed)
          throw new Failure(ExitCode.labFailed, `lab "${state.name}" is running already`, {
            remedy: 'wglab destroy, or smoke --name NAME',
          });
        name = state.name;
        lab = await standingLab(name);
        const by =
          state.dataplane === undefined
            ? ''
            : `, WireGuard by ${state.dataplane === 'kernel' ? 'the kernel' : 'wireguard-go'}`;
        return { verdict: 'pass', detail: `${state.nodes.length} nodes${by}` };
      },
    ],
    ['plaintext', prove('plaintext', '1-plaintext')],
    ['encrypt on', turn(true)],
    ['ciphertext', prove('encrypted', '2-ciphertext')],
    ['encrypt off', turn(false)],
    ['plaintext again', prove('plaintext', '3-plaintext-again')],
  ];
  for (const [title, work] of story) if (!(await phase(title, work))) break;
  const made = name;
  if (made !== undefined) {
    await phase('destroy', async () => {
      await destroy(made);
      return { verdict: 'pass', detail: 'nothing is left' };
    });
  }
  const verdict = worstOf(phases);
  if (verdict === 'fail') exitCode = ExitCode.claimFails;
  if (verdict === 'inconclusive') exitCode = ExitCode.inconclusive;
  const { engine = 'none', name: labName = request.name } = lab?.state ?? {};
  return { lab: labName, engine, verdict, phases, seconds: round((performance.now() - began) / 1000), exitCode };
}

/** An error is worse than a claim that fails, for then nothing was judged; that is worse than not knowing. */
function worstOf(phases: readonly Phase[]): Worst {
  return (
    (['error', 'fail', 'inconclusive'] as const).find((worst) => phases.some(({ verdict }) => verdict === worst)) ??
    'pass'
  );
}

function explain(error: unknown): string {
  const { detail, remedy } = error instanceof Failure ? error : {};
  return [messageOf(error), detail, remedy === undefined ? undefined : `try: ${remedy}`].filter(Boolean).join('\n');
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
