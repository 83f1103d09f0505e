import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { judge } from '../../src/proof/judge.ts';
import type { VerifyResult } from '../../src/proof/result.ts';
import { pairOf } from './run.ts';

const CASES = join(import.meta.dirname, 'cases');
const WORKERS = ['wireguard-worker', 'wireguard-worker2'] as const;

function packets(result: VerifyResult): Record<string, number> {
  return Object.fromEntries(result.classes.map((each) => [each.class, each.packets]));
}

/** Every packet that a tap captured is in one class. */
function expectAccounted(result: VerifyResult): void {
  const captured = result.taps.reduce((sum, tap) => sum + tap.packets, 0);
  expect(result.classes.reduce((sum, each) => sum + each.packets, 0)).toBe(captured);
}

describe('evidence of runs that were attacked', () => {
  const folders: [folder: string, verdict: string, summary: RegExp][] = [
    ['masquerade', 'fail', /43 packets of pods in plaintext \(node to pod\)/],
    ['unsampled-pair', 'fail', /outside the sample: wireguard-worker3 to wireguard-worker4, 15 packets of pods/],
    ['unsampled-node', 'fail', /outside the sample: wireguard-worker3 to wireguard-worker4, 9 packets of pods/],
    ['reach-dropped', 'inconclusive', /packets to further pods, 4 times: they were sent, and nothing recorded shows/],
    ['ipv6', 'inconclusive', /Pods have IPv6 addresses, and no connection over IPv6 was tested/],
    ['leak-chunk40', 'fail', /with markers of this run/],
    ['leak-hex', 'fail', /with markers of this run/],
    ['leak-wgkeepalive', 'fail', /with markers of this run/],
    ['leak-xcookieclear', 'fail', /with markers of this run/],
    ['leak-greoptscut', 'fail', /72 packets of pods in plaintext/],
  ];
  test.each(folders)('%s: the verdict is %s', async (folder, verdict, summary) => {
    const result = await judge(join(CASES, folder), { expect: 'encrypted' });
    expect(result.summary).toMatch(summary);
    expect(result.verdict).toBe(verdict);
    expectAccounted(result);
  });
});

describe('a clean run, with frames added to what one tap captured', () => {
  const added: [file: string, observation: string, reason: RegExp][] = [
    ['ip-frag-gre', 'mixed', /markers of this run/],
    ['ip-frag-hole', 'mixed', /markers of this run/],
    ['ip-frag-no-first', 'mixed', /markers of this run/],
    ['ip-frag-no-last', 'mixed', /markers of this run/],
    ['marker-uppercase', 'mixed', /markers of this run/],
    ['pod-to-clusterip', 'mixed', /pod to the outside, by way of another node/],
    ['pod-to-nodeport', 'inconclusive', /pod to a port that may be a NodePort/],
    ['snat-node-to-pod-in-gre', 'mixed', /of pods in plaintext/],
    ['snat-node-to-pod-in-vxlan', 'mixed', /of pods in plaintext/],
    ['tcp-conflict-garbage-first', 'mixed', /markers of this run/],
    ['tcp-conflict-ttl1-garbage-whole-first', 'mixed', /markers of this run/],
    ['tcp-gre', 'mixed', /markers of this run/],
    ['tcp-mpls', 'mixed', /markers of this run/],
    ['tcp-qinq9100', 'mixed', /markers of this run/],
    ['tcp-syn-between', 'mixed', /markers of this run/],
    ['tcp-urgent-byte-inside', 'mixed', /markers of this run/],
    ['tcp-vxlan12345', 'mixed', /markers of this run/],
    ['udp-chunks-47', 'mixed', /markers of this run/],
    ['wg-control-next-counter', 'inconclusive', /5 packets unexplained: WireGuard's header, but structured content/],
    ['wg-cookie', 'inconclusive', /5 packets unexplained: WireGuard cookies/],
    ['wg-counter-far-ahead', 'inconclusive', /5 packets unexplained: .* a counter far from those around it/],
    ['wg-keepalive-size', 'inconclusive', /13 packets unexplained: .* keepalives whose tags are text/],
    ['wg-own-index-pooled', 'inconclusive', /60 packets unexplained/],
  ];

  test.each(added)('%s: the pair is %s', async (file, observation, reason) => {
    const result = await judgeAdded(file);
    const pair = pairOf(result, ...WORKERS);
    expect(pair.reason).toMatch(reason);
    expect(pair.observation).toBe(observation);
    expect(pair.reason).not.toContain('\n');
    expect(packets(result)['pod plaintext'] ?? 0).toBeGreaterThan(observation === 'mixed' ? 0 : -1);
    expect(result.verdict).toBe(observation === 'mixed' ? 'fail' : 'inconclusive');
    expectAccounted(result);
  });

  test('every capture in the folder is one of them', async () => {
    const files = (await readdir(join(CASES, 'added'))).filter((name) => name.endsWith('.pcap'));
    expect(files.map((name) => name.replace('.pcap', ''))).toEqual(added.map(([file]) => file).sort());
  });
});

/** Puts together the evidence whose second tap is another file, and judges it. */
async function judgeAdded(file: string): Promise<VerifyResult> {
  const base = join(CASES, 'added', 'base');
  const folder = await mkdtemp(join(tmpdir(), 'wglab-case-'));
  try {
    await mkdir(join(folder, 'taps'));
    for (const tap of ['wireguard-control-plane', 'wireguard-worker2']) {
      await copyFile(join(base, `${tap}.pcap`), join(folder, 'taps', `${tap}.pcap`));
    }
    const capture = await readFile(join(CASES, 'added', `${file}.pcap`));
    await writeFile(join(folder, 'taps', 'wireguard-worker.pcap'), capture);
    const record = JSON.parse(await readFile(join(base, 'record.json'), 'utf8'));
    for (const tap of record.taps) if (tap.node === 'wireguard-worker') tap.packetsCaptured = framesIn(capture);
    await writeFile(join(folder, 'record.json'), JSON.stringify(record));
    return await judge(folder, { expect: 'encrypted' });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function framesIn(pcap: Buffer): number {
  let frames = 0;
  for (let at = 24; at + 16 <= pcap.length; at += 16 + pcap.readUInt32LE(at + 8)) frames += 1;
  return frames;
}
