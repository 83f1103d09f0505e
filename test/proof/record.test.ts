import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExitCode, Failure } from '../../src/errors.ts';
import { judge } from '../../src/proof/judge.ts';
import { parseRecord, type Record } from '../../src/proof/record.ts';
import { makeRun } from './run.ts';

function failureOf(record: unknown): Failure {
  try {
    parseRecord(typeof record === 'string' ? record : JSON.stringify(record));
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('the record was taken');
}

describe('record.json', () => {
  test('is read as it was written', () => {
    const { record } = makeRun();
    expect(parseRecord(JSON.stringify(record))).toEqual(record);
  });

  test('of format 1 is read as format 2, which says less than one of today', () => {
    const { record } = makeRun();
    const { encryption, taps, cluster, namespaces, runner, endedAt, ...same } = record;
    const old = {
      ...same,
      format: 1,
      serviceCidr: '10.96.0.0/16',
      furtherPods: { reached: 4, left: 2 },
      taps: taps.map(({ sha256, size, stoppedAt, direction, ...tap }) => tap),
    };
    expect(parseRecord(JSON.stringify(old))).toEqual({
      ...record,
      endedAt: null,
      serviceCidrs: ['10.96.0.0/16'],
      notTried: [expect.objectContaining({ count: 4 }), expect.objectContaining({ count: 2 })],
      taps: taps.map((tap) => ({ ...tap, stoppedAt: null })),
    });
    expect(failureOf({ ...old, format: 3 }).detail).toMatch(/format/);
    expect(failureOf({ ...old, cluster }).detail).toMatch(/cluster/);
  });

  test('with many faults lists the first of them', () => {
    const { record } = makeRun();
    const unknown = record.probes.map((probe) => ({ ...probe, request: `x${probe.from}`, reply: `y${probe.to}` }));
    const detail = failureOf({ ...record, probes: [...unknown, ...unknown, ...unknown] }).detail ?? '';
    expect(detail.split('\n')).toHaveLength(21);
    expect(detail).toMatch(/… and \d+ more$/);
  });

  const tampered: [string, (record: Record) => void, RegExp][] = [
    ['a field that is not known', (r) => Object.assign(r, { verdict: 'pass' }), /verdict/],
    ['a field that is missing', (r) => Reflect.deleteProperty(r, 'taps'), /taps/],
    [
      'a capture outside the folder',
      (r) => Object.assign(r.taps[0] ?? {}, { file: '../../etc/passwd' }),
      /taps\.0\.file/,
    ],
    [
      'a marker that nobody sent',
      (r) => Object.assign(r.probes[0] ?? {}, { request: 'm9' }),
      /there is no marker "m9"/,
    ],
    [
      'one marker for two connections',
      (r) => Object.assign(r.probes[0] ?? {}, { reply: r.probes[1]?.reply }),
      /is there twice/,
    ],
    ['a short marker', (r) => Object.assign(r.markers, { [r.probes[0]?.request ?? '']: 'a' }), /markers/],
    ['a tap of no node', (r) => Object.assign(r.taps[0] ?? {}, { node: 'nobody' }), /there is no node "nobody"/],
    ['one tap twice', (r) => r.taps.push(...r.taps.slice(0, 1)), /"n1" is there twice/],
    ['two nodes of one name', (r) => Object.assign(r.nodes[0] ?? {}, { name: 'n2' }), /"n2" is there twice/],
    [
      'two nodes of one address',
      (r) => Object.assign(r.nodes[0] ?? {}, { address: '172.18.0.3' }),
      /"172.18.0.3" is there twice/,
    ],
    ['a node that talks to itself', (r) => Object.assign(r.probes[0] ?? {}, { to: 'n1' }), /is not between two nodes/],
    ['a delivery of nothing', (r) => Object.assign(r.probes[0] ?? {}, { sentBytes: 0 }), /fewer bytes than its marker/],
    [
      'an address that is none',
      (r) => Object.assign(r.nodes[0] ?? {}, { address: '172.18.0.300' }),
      /is not an IP address/,
    ],
    [
      'a block that is none',
      (r) => Object.assign(r.podNetworks[0] ?? {}, { cidr: '10.0.0.0/33' }),
      /is not a block of addresses/,
    ],
    [
      'two nodes of one IPv6 address, written in two ways',
      (r) => {
        Object.assign(r.nodes[0] ?? {}, { otherAddresses: ['fd00::1'] });
        Object.assign(r.nodes[1] ?? {}, { otherAddresses: ['fd00:0:0::1'] });
      },
      /is there twice/,
    ],
    [
      'the address of a node for one that was left out',
      (r) => Object.assign(r, { outside: [{ name: 'n9', address: '172.18.0.3', reason: 'not chosen' }] }),
      /"172.18.0.3" is there twice/,
    ],
    ['a name that is a path', (r) => Object.assign(r.nodes[0] ?? {}, { name: '../n1' }), /nodes\.0\.name/],
    ['a name that colours the terminal', (r) => Object.assign(r, { lab: '\u001b[31mlab' }), /lab/],
    ['a capture that is hidden', (r) => Object.assign(r.taps[0] ?? {}, { file: 'taps/.x' }), /taps\.0\.file/],
    ['a digest that is none', (r) => Object.assign(r.taps[0] ?? {}, { sha256: 'ab', size: 1 }), /taps\.0\.sha256/],
    ['a digest of no size', (r) => Object.assign(r.taps[0] ?? {}, { sha256: '0'.repeat(64) }), /digest without a size/],
    ['a time that is none', (r) => Object.assign(r, { startedAt: 'yesterday' }), /startedAt/],
    [
      'more packets sent than there are',
      (r) =>
        (r.fingerprints = [
          {
            ...{ from: 'n1', to: 'n2', family: 4, protocol: 'udp', sizes: [100, 200], sent: 3 },
            fromPod: { name: 'a', namespace: 'wglab', address: '192.168.1.10' },
            toPod: { name: 'b', namespace: 'wglab', address: '192.168.2.10' },
          },
        ]),
      /fingerprints\.0\.sent: is more than there are packets/,
    ],
    ['drops below zero', (r) => Object.assign(r.taps[0] ?? {}, { droppedByKernel: -1 }), /droppedByKernel/],
  ];
  test.each(tampered)('with %s is refused, and says where', (_name, tamper, detail) => {
    const { record } = makeRun();
    tamper(record);
    const failure = failureOf(record);
    expect(failure.exitCode).toBe(ExitCode.usage);
    expect(failure.detail).toMatch(detail);
  });

  test('of anything else is refused, and never crashes', () => {
    expect(failureOf('{').message).toContain('is not JSON');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(failureOf(JSON.stringify(value)).exitCode).toBe(ExitCode.usage);
      }),
    );
  });

  test('that is not there: the folder is no evidence folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wglab-no-evidence-'));
    try {
      await expect(judge(folder)).rejects.toMatchObject({ exitCode: ExitCode.usage });
      await expect(judge(join(folder, 'nowhere'))).rejects.toThrow('is no evidence folder');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
