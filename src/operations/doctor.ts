import type { DoctorRequest } from '../engine/engine.ts';
import { allEngines, engineOf } from '../engine/engines.ts';
import type { Check, EngineReport } from '../machine/check.ts';
import { type Announce, applyFixes } from '../machine/fix.ts';

/** The report that `doctor -o json` prints. */
export interface DoctorReport {
  /** True if one engine at least can run, of those that were looked at closely. */
  ok: boolean;
  engines: EngineReport[];
}

/** Reports what this machine can run. Each engine examines what it needs itself. */
export async function doctor(request: DoctorRequest = {}): Promise<DoctorReport> {
  const { engine } = request;
  const wanted = engine === undefined ? await allEngines() : [await engineOf(engine)];
  const engines = await Promise.all(wanted.map((each) => each.doctor(request)));
  // A summary is of a cluster that was not examined: it may refuse all that it is asked for.
  return { ok: engines.some(({ ok, summary }) => ok && summary === undefined), engines };
}

/** Applies the remedies that can be applied, and looks again: what was missing may have kept other things from being tried. */
export async function doctorFix(
  announce: Announce,
  request: DoctorRequest = {},
): Promise<DoctorReport & { problems: string[] }> {
  let report = await doctor(request);
  const problems: string[] = [];
  let tried = '';
  for (let fixes = fixable(report); fixes.length > 0 && JSON.stringify(fixes) !== tried; fixes = fixable(report)) {
    tried = JSON.stringify(fixes);
    problems.splice(0, problems.length, ...(await applyFixes(fixes, announce)));
    report = await doctor(request);
  }
  return { ...report, problems };
}

/** Warnings too: a setting that is only low, say, ends a deployment half-way. */
export function fixable({ engines }: DoctorReport): Check[] {
  return engines.flatMap(({ checks }) => checks).filter(({ ok, fix }) => ok !== true && fix !== undefined);
}
