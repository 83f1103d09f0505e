import { usageFailure } from '../../../errors.ts';
import { type EvidenceResult, judgeEvidence } from '../../../proof/evidence/judge-evidence.ts';
import type { Claim } from '../../../proof/record.ts';
import { exitCodeOf } from '../../../proof/verdict.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';
import { ledgerText, verifyText } from './text.ts';

interface VerifyOptions {
  lab?: string;
  expect?: Claim;
  from?: string;
  evidence?: string;
  sign?: string;
  allowedSigners?: string;
  pairs?: number | 'all';
  ledger?: boolean;
  output?: 'json';
}

export async function verifyCommand(
  context: Context,
  lab: string | undefined,
  options: VerifyOptions,
): Promise<number> {
  checkOptions(options);
  const result =
    options.from === undefined
      ? await live(context, chosenLab(lab, options.lab), options)
      : await again(options.from, options);
  if (options.output) printJson(context, result);
  else context.out.write((options.ledger ? ledgerText : verifyText)(result, context.palette));
  return exitCodeOf(result.verdict);
}

/** Options of a run say nothing about evidence that is there already, and the other way round. */
function checkOptions({ from, evidence, sign, allowedSigners }: VerifyOptions): void {
  if (from === undefined && allowedSigners !== undefined) {
    throw usageFailure('--allowed-signers is for evidence that exists already', {
      remedy: 'wglab verify --from FOLDER --allowed-signers FILE',
    });
  }
  const [flag] = [evidence === undefined ? [] : ['--evidence'], sign === undefined ? [] : ['--sign']].flat();
  if (from !== undefined && flag !== undefined) {
    throw usageFailure(`${flag} is for a run; --from judges evidence and changes nothing in it`);
  }
}

function again(folder: string, { expect, allowedSigners }: VerifyOptions): Promise<EvidenceResult> {
  return judgeEvidence(folder, { allowedSigners, ...(expect === undefined ? {} : { expect }) });
}

async function live(
  { progress, signal }: Context,
  lab: string | undefined,
  options: VerifyOptions,
): Promise<EvidenceResult> {
  const [{ standingLab }, { verify }] = await Promise.all([
    import('../../../operations/labs.ts'),
    import('../../../operations/verify.ts'),
  ]);
  try {
    const result = await verify(
      await standingLab(lab),
      { expect: options.expect ?? null, evidence: options.evidence, sign: options.sign, pairs: options.pairs },
      progress,
      signal,
    );
    progress.done();
    return result;
  } catch (error) {
    progress.failed();
    throw error;
  }
}
