import { readLab } from '../lab/lab.ts';
import type { Check, EngineReport } from './doctor/check.ts';
import { examineContainerlab } from './doctor/containerlab.ts';
import { examineEmbedded } from './doctor/embedded.ts';
import { applyFixes } from './doctor/fix.ts';

/** What `doctor -o json` prints. */
export interface DoctorReport {
  /** Whether one engine at least can run. */
  ok: boolean;
  engines: EngineReport[];
}

/** Whose images and networks are looked at. */
const FLAGSHIP = 'wireguard';

/** What this machine can run. An engine has a module of its own in doctor/. */
export async function doctor(): Promise<DoctorReport> {
  const containerlab = readLab(FLAGSHIP).then(examineContainerlab);
  const engines = await Promise.all([examineEmbedded(), containerlab]);
  return { ok: engines.some(({ ok }) => ok), engines };
}

/** Applies the remedies that can be applied, and looks again: what was missing may have kept other things from being tried. */
export async function doctorFix(announce: (command: string) => void): Promise<DoctorReport & { problems: string[] }> {
  let report = await doctor();
  const problems: string[] = [];
  let tried = '';
  for (let fixes = fixable(report); fixes.length > 0 && JSON.stringify(fixes) !== tried; fixes = fixable(report)) {
    tried = JSON.stringify(fixes);
    problems.splice(0, problems.length, ...(await applyFixes(fixes, announce)));
    report = await doctor();
  }
  return { ...report, problems };
}

function fixable({ engines }: DoctorReport): Check[] {
  return engines.flatMap(({ checks }) => checks).filter(({ ok, fix }) => ok === false && fix !== undefined);
}
