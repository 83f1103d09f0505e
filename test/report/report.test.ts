import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { judgeEvidence } from '../../src/proof/evidence/judge-evidence.ts';
import { readRecord } from '../../src/proof/record.ts';
import { escapeText, html } from '../../src/report/html/escape.ts';
import { reportPage } from '../../src/report/html/page.ts';
import { runJunit } from '../../src/report/junit.ts';
import { summaryMarkdown } from '../../src/report/markdown.ts';
import { type JudgedRun, reportOf } from '../../src/report/model.ts';
import { packetsOf } from '../../src/report/packets.ts';
import { type Observation, type Report, type ReportedRun, reportSchema } from '../../src/report/schema.ts';
import { sealedRun, within } from '../proof/evidence-folder.ts';
import { makeRun, type Run, vxlanTransport } from '../proof/run.ts';

async function judged(folder: string): Promise<JudgedRun> {
  const record = await readRecord(folder);
  const result = await judgeEvidence(folder);
  return { record, result, folder: 'evidence', packets: await packetsOf(folder, record, result) };
}

async function reported(run: Run): Promise<Report> {
  let report: Report | undefined;
  await within(await sealedRun(run), async (folder) => {
    report = reportOf(await judged(folder), { wglab: '0.0.0' });
  });
  return report as Report;
}

/** A report of so many nodes, every pair with its observation. */
async function bigReport(size: number, observe: (i: number) => Observation): Promise<Report> {
  const report = await reported(makeRun({ nodes: 2 }));
  const nodes = Array.from({ length: size }, (_, i) => `node-${i}.example.org`);
  const [pair] = report.run.pairs;
  const pairs = nodes.flatMap((from, i) =>
    nodes.flatMap((to, j) => (i === j || !pair ? [] : [{ ...pair, from, to, observation: observe(i * size + j) }])),
  );
  return { ...report, run: { ...report.run, nodes, pairs, counts: { ...report.run.counts, pairs: pairs.length } } };
}

describe('a report', () => {
  test('of a good run holds what report.json promises, and says so on every page', async () => {
    const report = await reported(makeRun());
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    const page = reportPage(report);
    expect(page).toContain('ENCRYPTED 6/6 pairs · 0 plaintext packets · 0 inconclusive');
    expect(page).toContain(report.run.evidence.digest);
    expect(page).toContain('wglab verify --from evidence --expect encrypted');
    expect(summaryMarkdown(report)).toContain('✅ ENCRYPTED 6/6');
    const total = report.run.ledger.classes.reduce((sum, { packets }) => sum + packets, 0);
    expect(total).toBe(report.run.taps.reduce((sum, { packets }) => sum + packets, 0));
  });

  test('of a run without encryption shows which packets were readable', async () => {
    const report = await reported(makeRun({ transport: () => vxlanTransport }));
    expect(report.run.headline).toMatch(/^NOT ENCRYPTED 0\/6 pairs/);
    const [packet] = report.run.packets;
    expect(packet?.layers.map(({ name }) => name)).toContain('VXLAN');
    expect(reportPage(report)).toContain('<td class="plaintext">');
    expect(runJunit(report.run).match(/<failure /g)).toHaveLength(6);
  });

  test('is the same whenever it is made', async () => {
    await within(await sealedRun(makeRun()), async (folder) => {
      const pages = [await judged(folder), await judged(folder)].map((run) =>
        reportPage(reportOf(run, { wglab: '1' })),
      );
      expect(pages[0]).toBe(pages[1]);
    });
  });

  test('of changed evidence says so in the bar', async () => {
    const report = await reported(makeRun());
    const evidence = { ...report.run.evidence, changes: [{ file: 'taps/n1.pcap', reason: 'it is missing' }] };
    const run: ReportedRun = { ...report.run, verdict: 'inconclusive', headline: 'EVIDENCE CHANGED', evidence };
    const bar = /<div class="bar inconclusive".*?<\/div>/s.exec(reportPage({ ...report, run }))?.[0];
    expect(bar).toContain('EVIDENCE CHANGED');
    expect(bar).toContain('taps/n1.pcap: it is missing');
    expect(runJunit(run)).toContain('<testcase classname="wglab.verify.synthetic" name="taps/n1.pcap"');
  });

  test('has the JSON schema that docs/ has', async () => {
    expect(JSON.parse(await readFile('docs/report.schema.json', 'utf8'))).toEqual(z.toJSONSchema(reportSchema));
  });
});

describe('a page', () => {
  const evil = '</td><script>alert(1)</script>"\'&\u202egnp.exe\u0000\u001b[31m';

  test('escapes every text that comes from a cluster, and shows characters that cannot be seen', () => {
    const { markup } = html`<b title="${evil}">${evil}</b>`;
    expect(markup).not.toMatch(/<script|<\/td/);
    expect(hidden(markup)).toEqual([]);
    expect(escapeText('a\u202eb\u200b')).toBe('a⟨U+202E⟩b⟨U+200B⟩');
  });

  test('with hostile names in every field runs nothing and loads nothing', async () => {
    const report = await reported(makeRun({ transport: () => vxlanTransport }));
    const page = reportPage(poisoned(report, evil));
    expect(page).not.toMatch(/<script|<img|<iframe|<link|<object/i);
    expect(hidden(page)).toEqual([]);
    expect(page).not.toMatch(/<[^>]* (on[a-z]+|src|href|style)=/i);
    expect(page).toContain('default-src &#39;none&#39;; style-src &#39;sha256-');
    for (const text of [summaryMarkdown(poisoned(report, evil)), runJunit(poisoned(report, evil).run)]) {
      expect(text).not.toContain('<script');
      expect(hidden(text).filter((character) => character !== '\u202e')).toEqual([]);
    }
  });

  test('of 100 nodes is a heat map, and of 1,000 nodes has less than 5 MB, whatever was observed', async () => {
    const kinds: Observation[] = ['encrypted', 'plaintext', 'mixed', 'inconclusive'];
    const hundred = await bigReport(100, (i) => kinds[(i * 7919) % 4] ?? 'encrypted');
    expect(reportPage(hundred)).toContain('aria-label="Matrix of 100 nodes"');
    const thousand = await bigReport(1_000, (i) => kinds[(i * 7919) % 5] ?? 'encrypted');
    expect(reportPage(thousand).length).toBeLessThan(5 * 1024 * 1024);
  });
});

/** The characters of a text that nobody sees. */
function hidden(text: string): string[] {
  return (text.match(/[\p{Cc}\p{Cf}]/gu) ?? []).filter((character) => character !== '\n');
}

/** Appends a text to every other text of a report but those that decide how it looks. */
function poisoned(report: Report, text: string): Report {
  const keep = new Set([
    'schema',
    'verdict',
    'observation',
    'claim',
    'kind',
    'startedAt',
    'endedAt',
    'stoppedAt',
    'at',
    'class',
  ]);
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') return keep.has(key) ? value : value + text;
    if (Array.isArray(value)) return value.map((each) => poison(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, poison(each, name)]));
  };
  return poison(report) as Report;
}
