import { brokenLink, untriedLink } from '../../../cni/calico/diagnosis/chain.ts';
import type { Finding } from '../../../cni/calico/diagnosis/facts.ts';
import { ExitCode } from '../../../errors.ts';
import { Cluster } from '../../../kube/cluster.ts';
import { type Diagnosis, diagnoseCluster } from '../../../operations/diagnose.ts';
import { standingLab } from '../../../operations/labs.ts';
import { table } from '../../../text/table.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';

/** Says why encryption is not in force; exit status 1 if a link of the chain is broken, 3 if something could not be tried. */
export async function diagnoseCommand(
  context: Context,
  lab: string | undefined,
  options: { lab?: string; output?: 'json' },
): Promise<number> {
  const { state, access } = await standingLab(chosenLab(lab, options.lab));
  const diagnosis = await diagnoseCluster(Cluster.connect(access.kubeconfig), access.shell);
  const broken = brokenLink(diagnosis.findings);
  if (options.output) printJson(context, { lab: state.name, broken: broken ?? null, ...diagnosis });
  else context.out.write(`${diagnosisText(diagnosis, context)}\n`);
  if (broken) return ExitCode.claimFails;
  // Nobody misses nodes that were left out on purpose.
  const missed = diagnosis.unprobed.some(({ node }) => !access.outside?.has(node));
  return missed || untriedLink(diagnosis.findings) ? ExitCode.inconclusive : ExitCode.done;
}

function diagnosisText({ findings, unprobed }: Diagnosis, { palette }: Context): string {
  const marks = new Map([
    [null, palette.dim('?')],
    [true, palette.green('✓')],
    [false, palette.red('✗')],
  ]);
  const rows = linesOf(findings).map(({ ok, check, node, seen }) => [marks.get(ok) ?? '', check, node, seen]);
  const missed = unprobed.map(({ node, reason }) => palette.magenta(`not probed: ${node}: ${reason}`));
  const verdict = verdictText(findings, unprobed.length > 0, palette);
  return [table(['', 'LINK', 'NODE', 'SEEN'], rows), '', ...missed, ...verdict].join('\n');
}

/** One line a link that holds on all nodes, else one for each node. */
function linesOf(findings: readonly Finding[]): Finding[] {
  const links = new Set(findings.map(({ check }) => check));
  return [...links].flatMap((link) => {
    const rows = findings.filter(({ check }) => check === link);
    const [first] = rows;
    if (!first || rows.some(({ ok }) => ok !== true) || rows.length === 1) return rows;
    const seen = new Set(rows.map((row) => row.seen));
    return [
      {
        ...first,
        node: `all ${rows.length}`,
        seen: seen.size === 1 ? first.seen : `as on ${first.node}: ${first.seen}`,
      },
    ];
  });
}

function verdictText(findings: readonly Finding[], isIncomplete: boolean, palette: Context['palette']): string[] {
  const broken = brokenLink(findings);
  if (broken) {
    return [
      `${palette.red('The broken link:')} ${broken.check} on ${broken.node}`,
      `  seen:     ${broken.seen}`,
      `  expected: ${broken.expected}`,
      `  do:       ${broken.remedy}`,
    ];
  }
  const untried = untriedLink(findings);
  if (untried) {
    return [
      `${palette.magenta('No link is broken, but not all could be tried:')} ${untried.check} on ${untried.node}`,
      `  seen:     ${untried.seen}`,
      `  do:       ${untried.remedy || 'wglab verify'}`,
    ];
  }
  return [palette.green(`Every link of the chain holds${isIncomplete ? ' on the nodes that could be asked' : ''}.`)];
}
