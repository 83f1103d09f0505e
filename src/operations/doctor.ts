import { examineContainerlab } from '../engine/containerlab/doctor/containerlab.ts';
import { examineEmbedded } from '../engine/embedded/doctor/embedded.ts';
import { type ClusterChoice, examineKubernetes, glanceAtKubernetes } from '../engine/kubernetes/doctor/kubernetes.ts';
import { readLab } from '../lab/lab.ts';
import type { Check, EngineReport } from '../machine/check.ts';
import { type Announce, applyFixes } from '../machine/fix.ts';
import type { EngineName } from '../state/engine-name.ts';

/** What `doctor -o json` prints. */
export interface DoctorReport {
  /** Whether one engine at least can run, of those that were looked at closely. */
  ok: boolean;
  engines: EngineReport[];
}

/** Whose images and networks are looked at. */
const FLAGSHIP = 'wireguard';

/** Which engine is asked about, all of them where none is named; and which cluster, which is then looked at closely. */
export interface DoctorRequest extends ClusterChoice {
  engine?: EngineName;
}

/** What this machine can run. An engine has a module of its own in doctor/. */
export async function doctor(request: DoctorRequest = {}): Promise<DoctorReport> {
  const { engine, kubeconfig, context } = request;
  const closely = engine === 'kubernetes' || kubeconfig !== undefined || context !== undefined;
  const examine: { [name in EngineName]: () => Promise<EngineReport> } = {
    embedded: examineEmbedded,
    containerlab: () => readLab(FLAGSHIP).then(examineContainerlab),
    kubernetes: () => (closely ? examineKubernetes(request) : glanceAtKubernetes()),
  };
  const wanted = engine === undefined ? Object.values(examine) : [examine[engine]];
  const engines = await Promise.all(wanted.map((look) => look()));
  // A cluster that was seen by the way may refuse all that it is asked for.
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
