import { brokenLink, type Finding } from '../cni/diagnosis.ts';
import { ExitCode } from '../errors.ts';
import { Cluster } from '../kube/cluster.ts';
import { diagnoseCluster } from '../operations/diagnose.ts';
import { standingLab } from '../operations/labs.ts';
import { type Context, printJson } from './context.ts';
import { oneName } from './encrypt.ts';
import { table } from './terminal.ts';

/** Says why encryption is not in force; exit status 1 where a link of the chain is broken. */
export async function diagnoseCommand(
  context: Context,
  lab: string | undefined,
  options: { lab?: string; output?: 'json' },
): Promise<number> {
  const { state, access } = await standingLab(oneName(lab, options.lab));
  const findings = await diagnoseCluster(Cluster.connect(access.kubeconfig), access.shell);
  const broken = brokenLink(findings);
  if (options.output) printJson(context, { lab: state.name, broken: broken ?? null, findings });
  else context.out.write(`${diagnosisText(findings, context)}\n`);
  return broken ? ExitCode.claimFails : ExitCode.done;
}

function diagnosisText(findings: readonly Finding[], { palette }: Context): string {
  const mark = ({ ok }: Finding) => (ok === null ? palette.dim('?') : ok ? palette.green('✓') : palette.red('✗'));
  const rows = findings.map((finding) => [mark(finding), finding.check, finding.node, finding.seen]);
  const broken = brokenLink(findings);
  const verdict = broken
    ? [
        `${palette.red('The broken link:')} ${broken.check} on ${broken.node}`,
        `  seen:     ${broken.seen}`,
        `  expected: ${broken.expected}`,
        `  do:       ${broken.remedy}`,
      ]
    : [palette.green('Every link of the chain holds.')];
  return [table(['', 'LINK', 'NODE', 'SEEN'], rows), '', ...verdict].join('\n');
}
