import { junitXml } from './xml.ts';

/** One phase of a smoke run, as every report shows it. */
export interface Phase {
  name: string;
  verdict: 'pass' | 'fail' | 'inconclusive' | 'error';
  seconds: number;
  detail: string;
}

export interface SmokeResult {
  lab: string;
  engine: string;
  verdict: 'pass' | 'fail' | 'inconclusive' | 'error';
  phases: Phase[];
  seconds: number;
}

/** Returns a smoke run as JUnit XML: a claim that fails is a `failure`; what could not be known or done is an `error`. */
export function smokeJunit({ lab, engine, phases, seconds }: SmokeResult): string {
  const kinds = { pass: undefined, fail: 'failure', inconclusive: 'error', error: 'error' } as const;
  return junitXml({
    className: `wglab.smoke.${lab}`,
    name: `smoke ${lab}`,
    seconds,
    properties: [['engine', engine]],
    cases: phases.map(({ name, verdict, seconds: time, detail }) => {
      const kind = kinds[verdict];
      return { name, seconds: time, ...(kind ? { element: { kind, type: verdict, message: detail } } : {}) };
    }),
  });
}
