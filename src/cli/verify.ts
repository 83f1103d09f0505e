import { judge } from '../proof/judge.ts';
import type { Claim } from '../proof/record.ts';
import type { VerifyResult } from '../proof/result.ts';
import { exitCodeOf } from '../proof/verdict.ts';
import { type Context, printJson } from './context.ts';
import { oneName } from './encrypt.ts';
import { verifyText } from './verify-text.ts';

interface VerifyOptions {
  lab?: string;
  expect?: Claim;
  from?: string;
  evidence?: string;
  pairs?: number | 'all';
  output?: 'json';
}

export async function verifyCommand(
  context: Context,
  lab: string | undefined,
  options: VerifyOptions,
): Promise<number> {
  const result =
    options.from === undefined
      ? await live(context, oneName(lab, options.lab), options)
      : await again(options.from, options);
  if (options.output) printJson(context, result);
  else context.out.write(verifyText(result, context.palette));
  return exitCodeOf(result.verdict);
}

function again(folder: string, { expect }: VerifyOptions): Promise<VerifyResult> {
  return judge(folder, expect === undefined ? {} : { expect });
}

async function live(
  { progress, signal }: Context,
  lab: string | undefined,
  options: VerifyOptions,
): Promise<VerifyResult> {
  const [{ standingLab }, { verify }] = await Promise.all([
    import('../operations/labs.ts'),
    import('../operations/verify.ts'),
  ]);
  const evidence = options.evidence === undefined ? {} : { evidence: options.evidence };
  try {
    const result = await verify(
      await standingLab(lab),
      { expect: options.expect ?? null, ...evidence, ...(options.pairs === undefined ? {} : { pairs: options.pairs }) },
      (step) => progress.step(step),
      signal,
    );
    progress.done();
    return result;
  } catch (error) {
    progress.failed();
    throw error;
  }
}
