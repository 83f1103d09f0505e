import { ExitCode } from '../errors.ts';
import type { Check, EngineReport } from '../operations/doctor/check.ts';
import { remedyOf } from '../operations/doctor/remedy.ts';
import { type DoctorReport, doctor, doctorFix } from '../operations/doctor.ts';
import { type Context, printJson } from './context.ts';

export async function doctorCommand(context: Context, options: { fix?: boolean; output?: 'json' }): Promise<number> {
  const { err, errPalette } = context;
  const { problems, ...report } = options.fix
    ? await doctorFix((command) => void err.write(`${errPalette.bold(`$ ${command}`)}\n`))
    : { ...(await doctor()), problems: [] };
  if (options.output) printJson(context, report);
  else context.out.write(`${report.engines.map((engine) => engineText(context, engine)).join('\n\n')}\n`);
  for (const problem of problems) err.write(`${errPalette.red('error:')} ${problem}\n`);
  if (!report.ok && !options.fix) err.write(`${nextStep(context, report)}\n`);
  return report.ok ? ExitCode.done : ExitCode.lacking;
}

function engineText(context: Context, { engine, ok, dataplane, checks }: EngineReport): string {
  const { palette } = context;
  const by = dataplane === null ? '' : `, WireGuard by ${dataplane === 'kernel' ? 'the kernel' : 'wireguard-go'}`;
  const head = ok ? palette.green(`can run here${by}`) : palette.red('cannot run here');
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

/** The command that brings all missing packages at once, and the one that does all that can be done. */
function nextStep({ errPalette }: Context, { engines }: DoctorReport): string {
  const failing = engines.flatMap(({ checks }) => checks).filter(({ ok, fix }) => ok === false && fix);
  const packages = failing.flatMap(({ fix }) => (fix && 'packages' in fix ? fix.packages : []));
  const lines = packages.length > 0 ? [`All missing packages at once: ${errPalette.bold(remedyOf({ packages }))}`] : [];
  if (failing.length > 0) lines.push(`Or let wglab do what it can: ${errPalette.bold('wglab doctor --fix')}`);
  return lines.join('\n');
}
