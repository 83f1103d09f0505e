import { brokenLink, type Finding } from '../cni/calico/diagnosis.ts';
import { ExitCode } from '../errors.ts';
import { Cluster } from '../kube/cluster.ts';
import { type Diagnosis, diagnoseCluster } from '../operations/diagnose.ts';
import { standingLab } from '../operations/labs.ts';
import { type Context, printJson } from './context.ts';
import { oneName } from './encrypt.ts';
import { table } from './terminal.ts';

/** Says why encryption is not in force; exit status 1 where a link of the chain is broken, 3 where a node could not be asked. */
export async function diagnoseCommand(
  context: Context,
  lab: string | undefined,
  options: { lab?: string; output?: 'json' },
): Promise<number> {
  const { state, access } = await standingLab(oneName(lab, options.lab));
  const diagnosis = await diagnoseCluster(Cluster.connect(access.kubeconfig), access.shell);
  const broken = brokenLink(diagnosis.findings);
  if (options.output) printJson(context, { lab: state.name, broken: broken ?? null, ...diagnosis });
  else context.out.write(`${diagnosisText(diagnosis, context)}\n`);
  if (broken) return ExitCode.claimFails;
  // Nodes that were left out on purpose are missed by nobody.
  const missed = diagnosis.unprobed.some(({ node }) => !access.outside?.has(node));
  return missed ? ExitCode.inconclusive : ExitCode.done;
}

function diagnosisText({ findings, unprobed }: Diagnosis, { palette }: Context): string {
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
    : [
        palette.green(
          `Every link of the chain holds${unprobed.length > 0 ? ' on the nodes that could be asked' : ''}.`,
        ),
      ];
  const missed = unprobed.map(({ node, reason }) => palette.magenta(`not probed: ${node}: ${reason}`));
  return [table(['', 'LINK', 'NODE', 'SEEN'], rows), '', ...missed, ...verdict].join('\n');
}
