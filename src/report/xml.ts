import { escapeXml } from '../text/escape.ts';

/** One case of a JUnit report. Without an element, it passed. */
export interface Case {
  name: string;
  seconds?: number;
  element?: { kind: 'failure' | 'error' | 'skipped'; type: string; message: string };
}

export interface Suite {
  /** The class of all its cases, as in `wglab.smoke.LAB`. */
  className: string;
  name: string;
  seconds: number;
  properties: readonly (readonly [name: string, value: string])[];
  cases: readonly Case[];
}

/** Returns JUnit XML: the subset that all readers know (testmoapp/junitxml). */
export function junitXml(suite: Suite): string {
  const count = (kind: string) => suite.cases.filter(({ element }) => element?.kind === kind).length;
  const totals = `tests="${suite.cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" time="${suite.seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="wglab" ${totals}>`,
    `  <testsuite name="${escapeXml(suite.name)}" ${totals}>`,
    '    <properties>',
    ...suite.properties.map(
      ([name, value]) => `      <property name="${escapeXml(name)}" value="${escapeXml(value)}"/>`,
    ),
    '    </properties>',
    ...suite.cases.map((each) => caseXml(suite.className, each)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseXml(className: string, { name, seconds = 0, element }: Case): string {
  const head = `    <testcase classname="${escapeXml(className)}" name="${escapeXml(name)}" time="${seconds.toFixed(3)}"`;
  if (!element) return `${head}/>`;
  const text = escapeXml(element.message);
  if (element.kind === 'skipped') return `${head}>\n      <skipped message="${text}"/>\n    </testcase>`;
  const { kind, type } = element;
  return `${head}>\n      <${kind} type="${escapeXml(type)}" message="${text}">${text}</${kind}>\n    </testcase>`;
}
