import type { DoctorRequest } from '../../../engine/engine.ts';
import { ExitCode, usageFailure } from '../../../errors.ts';
import type { Check, EngineReport } from '../../../machine/check.ts';
import { remedyOf } from '../../../machine/remedy.ts';
import { type DoctorReport, doctor, doctorFix, fixable } from '../../../operations/doctor.ts';
import type { EngineName } from '../../../state/engine-name.ts';
import { type Context, printJson } from '../../context.ts';

type DoctorOptions = Omit<DoctorRequest, 'engine'> & { engine: EngineName | 'auto'; fix?: boolean; output?: 'json' };

/** Prints what this machine can run, with the remedy for each gap. */
export async function doctorCommand(
  context: Context,
  { fix, output, engine: named, ...chosen }: DoctorOptions,
): Promise<number> {
  const { err, errPalette } = context;
  const engine = named === 'auto' ? undefined : named;
  const request = { ...chosen, ...(engine === undefined ? {} : { engine }) };
  const { kubeconfig, context: name } = chosen;
  if (engine !== undefined && engine !== 'kubernetes' && (kubeconfig !== undefined || name !== undefined))
    throw usageFailure(`--kubeconfig and --context are for the engine kubernetes, not for ${engine}`);
  const announce = (command: string, says?: string) => {
    if (says !== undefined) err.write(`${says}\n`);
    err.write(`${errPalette.bold(`$ ${command}`)}\n`);
  };
  const { problems, ...report } = fix
    ? await doctorFix(announce, request)
    : { ...(await doctor(request)), problems: [] };
  if (output) printJson(context, report);
  else context.out.write(`${report.engines.map((one) => engineText(context, one)).join('\n\n')}\n`);
  for (const problem of problems) err.write(`${errPalette.red('error:')} ${problem}\n`);
  const next = fix ? '' : nextStep(context, report);
  if (next) err.write(`${next}\n`);
  return report.ok ? ExitCode.done : ExitCode.lacking;
}

function engineText(context: Context, { engine, ok, dataplane, checks, summary }: EngineReport): string {
  const { palette } = context;
  if (summary !== undefined) return `${palette.bold(engine)}: ${ok ? palette.green(summary) : palette.dim(summary)}`;
  const by = dataplane === null ? '' : `, WireGuard by ${dataplane === 'kernel' ? 'the kernel' : 'wireguard-go'}`;
  const [can, cannot] =
    engine === 'kubernetes'
      ? ['can be used from here', 'cannot be used from here']
      : [`can run here${by}`, 'cannot run here'];
  const head = ok ? palette.green(can) : palette.red(cannot);
  const width = Math.max(...checks.map(({ name }) => name.length));
  return [`${palette.bold(engine)}: ${head}`, ...checks.flatMap((check) => checkLines(context, check, width))].join(
    '\n',
  );
}

function checkLines({ palette }: Context, { name, ok, seen, needed, remedy }: Check, width: number): string[] {
  const mark = ok === true ? palette.green('✓') : ok === 'warning' ? palette.yellow('!') : palette.red('✗');
  const lines = [`  ${mark} ${name.padEnd(width)}  ${ok === true ? palette.dim(seen) : seen}`];
  if (ok !== true) lines.push(`    ${' '.repeat(width)}  needs ${needed}`);
  if (remedy !== undefined) lines.push(`    ${' '.repeat(width)}  try: ${palette.bold(remedy)}`);
  return lines;
}

/** The command that brings all missing packages at once, where no engine can run, and the one that does all that can be done. */
function nextStep({ errPalette }: Context, report: DoctorReport): string {
  const fixes = fixable(report);
  const packages = fixes.flatMap(({ fix }) => (fix && 'packages' in fix ? fix.packages : []));
  const lines =
    packages.length > 0 && !report.ok
      ? [`All missing packages at once: ${errPalette.bold(remedyOf({ packages }))}`]
      : [];
  if (fixes.length > 0) lines.push(`Or let wglab do what it can: ${errPalette.bold('wglab doctor --fix')}`);
  return lines.join('\n').replace(/^Or let/, 'To let');
}
