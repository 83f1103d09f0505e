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

/**
 * JUnit XML of a smoke run: a claim that fails is a `failure`, what could not be known or done an `error`, as CI systems
 * tell them apart. The subset that all readers know (testmoapp/junitxml).
 */
export function junit({ lab, engine, phases, seconds }: SmokeResult): string {
  const count = (...verdicts: Phase['verdict'][]) => phases.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const failures = count('fail');
  const errors = count('inconclusive', 'error');
  const totals = `tests="${phases.length}" failures="${failures}" errors="${errors}" time="${seconds.toFixed(3)}"`;
  const cases = phases.map((phase) => {
    const head = `    <testcase classname="wglab.smoke.${escapeXml(lab)}" name="${escapeXml(phase.name)}" time="${phase.seconds.toFixed(3)}"`;
    const element = { pass: '', fail: 'failure', inconclusive: 'error', error: 'error' }[phase.verdict];
    if (!element) return `${head}/>`;
    const text = escapeXml(phase.detail);
    return `${head}>\n      <${element} type="${phase.verdict}" message="${text}">${text}</${element}>\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="wglab" ${totals}>`,
    `  <testsuite name="smoke ${escapeXml(lab)}" ${totals}>`,
    `    <properties><property name="engine" value="${escapeXml(engine)}"/></properties>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** Text for XML 1.0, which has no place at all for most control characters, such as those that colours begin with. */
function escapeXml(text: string): string {
  const entities: { [character: string]: string } = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  };
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/gu, (character) =>
      (character.codePointAt(0) ?? 0) > 0xffff ? character : '',
    )
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    .replace(/\n/g, '&#10;');
}
