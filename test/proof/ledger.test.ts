import { describe, expect, test } from 'vitest';
import type { Account } from '../../src/proof/accounts.ts';
import { TapLedger } from '../../src/proof/ledger.ts';
import type { Record } from '../../src/proof/record.ts';
import * as packets from './packets.ts';
import {
  between,
  directTransport,
  inject,
  judgeRun,
  LISTEN_PORT,
  makeRun,
  nodeOf,
  packetsOf,
  pairOf,
  podPacket,
  probeOf,
  type Run,
  type RunOptions,
  wireguardTransport,
} from './run.ts';

const account = (what: string, more: Partial<Account> = {}): Account => ({
  class: 'by design',
  what,
  from: 'n1',
  to: 'n2',
  protocol: 'tcp',
  port: 443,
  ...more,
});

describe('the ledger of a tap', () => {
  test('counts each frame once, also one that is moved', () => {
    const ledger = new TapLedger('n1');
    for (let i = 0; i < 2000; i++) ledger.add(account(i % 2 ? 'odd' : 'even'), 100 + i);
    ledger.move(7, account('found'), ['m1']);
    ledger.move(7, account('found'), ['m1']);
    ledger.move(5000, account('never there'));
    ledger.close();
    const entries = Object.fromEntries(ledger.entries.map((each) => [each.account.what, each]));
    expect(Object.keys(entries)).toEqual(['even', 'odd', 'found']);
    expect(entries.even).toMatchObject({ packets: 1000, example: { tap: 'n1', frame: 1 } });
    expect(entries.odd).toMatchObject({ packets: 999, markerPackets: 0, example: { frame: 2 } });
    expect(entries.found).toMatchObject({ packets: 1, bytes: 107, example: { frame: 8 }, markers: new Set(['m1']) });
    expect(ledger.frames).toBe(2000);
  });

  test('keeps a bounded number of entries, and loses no frame and no class', () => {
    const ledger = new TapLedger('n1');
    for (let port = 0; port < 30_000; port++) ledger.add(account('many', { port }), 60);
    ledger.add(account('late', { class: 'pod plaintext' }), 60);
    ledger.add(account('later', { pending: { kind: 'pod to node', conversation: 'x' } }), 60);
    ledger.close();
    expect(ledger.entries.length).toBeLessThan(20_010);
    expect(ledger.entries.reduce((sum, each) => sum + each.packets, 0)).toBe(30_002);
    const folded = ledger.entries.slice(-3).map((each) => [each.account.class, each.account.to, each.packets]);
    expect(folded).toEqual([
      ['by design', null, 10_000],
      ['pod plaintext', null, 1],
      // A result that would have depended on other frames is unknown now.
      ['unexplained', null, 1],
    ]);
  });
});

/** Adds a packet of a pod to or from a node's address to a clean run. */
async function withPacket(
  source: string,
  destination: string,
  ports: [number, number],
  change?: (record: Record) => void,
) {
  const run = makeRun({ nodes: 2 });
  change?.(run.record);
  const [from, to] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
  const datagram = packets.udp(...ports, Buffer.alloc(20));
  inject(run, 'n1', packets.frameOf(from.macAddress, to.macAddress, packets.ipv4(source, destination, 17, datagram)));
  const result = await judgeRun(run);
  const added = result.ledger.find((line) => line.bytes === 62);
  return { verdict: result.verdict, what: added && `${added.class}: ${added.what}, ${added.from} to ${added.to}` };
}

describe('a pod at one end', () => {
  const [pod1, pod2, node1, node2] = ['192.168.1.10', '192.168.2.10', '172.18.0.2', '172.18.0.3'];
  const design = (change: Partial<NonNullable<Record['encryption']>>) => (record: Record) => {
    if (record.encryption) Object.assign(record.encryption, change);
  };
  const listed = (record: Record) => {
    record.nodePorts = [{ port: 30_080, protocol: 'udp', namespace: 'default', service: 'web' }];
    record.serviceCidrs = ['10.96.0.0/16'];
  };
  const rows: [string, string, string, [number, number], ((record: Record) => void) | undefined, string, string][] = [
    ['a node to a pod', node1, pod2, [40_000, 53], undefined, 'fail', 'pod plaintext: node to pod, n1 to n2'],
    [
      'a node to a pod, by design of the CNI',
      node1,
      pod2,
      [40_000, 53],
      design({ nodeToPod: 'by design' }),
      'pass',
      'by design: node to pod, n1 to n2',
    ],
    ['a pod to a node', pod1, node2, [40_000, 53], undefined, 'pass', 'by design: pod to node, n1 to n2'],
    [
      'a pod to a node, which the CNI encrypts',
      pod1,
      node2,
      [40_000, 53],
      design({ podToNode: 'leak' }),
      'fail',
      'pod plaintext: pod to node, n1 to n2',
    ],
    [
      'a pod that seems to answer a node',
      pod1,
      node2,
      [53, 40_000],
      undefined,
      'inconclusive',
      'unexplained: a pod that seems to answer a node, n1 to n2',
    ],
    [
      'a pod to what may be a NodePort',
      pod1,
      node2,
      [40_000, 30_080],
      undefined,
      'inconclusive',
      'unexplained: pod to a port that may be a NodePort, n1 to n2',
    ],
    [
      'a pod to a NodePort',
      pod1,
      node2,
      [40_000, 30_080],
      listed,
      'fail',
      'pod plaintext: pod to a NodePort, n1 to n2',
    ],
    ['a pod to another port', pod1, node2, [40_000, 30_081], listed, 'pass', 'by design: pod to node, n1 to n2'],
    [
      'a pod to a service',
      pod1,
      '10.96.0.5',
      [40_000, 53],
      listed,
      'fail',
      'pod plaintext: pod to a service address, n1 to n2',
    ],
    [
      'a pod to the outside, by way of a node',
      pod1,
      '1.1.1.1',
      [40_000, 53],
      listed,
      'fail',
      'pod plaintext: pod to the outside, by way of another node, n1 to n2',
    ],
    [
      'a pod and its own node',
      pod1,
      node1,
      [40_000, 53],
      undefined,
      'inconclusive',
      'unexplained: a pod and its own node, on the wire, n1 to null',
    ],
  ];
  test.each(rows)('%s', async (_name, source, destination, ports, change, verdict, what) => {
    expect(await withPacket(source, destination, ports, change)).toEqual({ verdict, what });
  });

  test('the answer of a pod counts as what it answers, whichever tap saw that', async () => {
    const run = makeRun({ nodes: 2 });
    const [n1, n2] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    const asked = packets.ipv4(n1.address, '192.168.2.10', 17, packets.udp(50, 60, Buffer.alloc(8)));
    const answered = packets.ipv4('192.168.2.10', n1.address, 17, packets.udp(60, 50, Buffer.alloc(8)));
    inject(run, 'n1', packets.frameOf(n1.macAddress, n2.macAddress, asked));
    inject(run, 'n2', packets.frameOf(n2.macAddress, n1.macAddress, answered));
    const result = await judgeRun(run);
    expect(pairOf(result, 'n2', 'n1').reason).toContain('a pod answers a node');
    expect(packetsOf(result, 'pod plaintext')).toBe(2);
  });

  test('an overlay of pods is a leak, whatever it holds', async () => {
    const run = makeRun({ nodes: 2 });
    const send = () =>
      inject(run, 'n1', between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 17, packets.udp(1, 8472, Buffer.alloc(40))));
    send();
    expect((await judgeRun(run)).verdict).toBe('pass');
    run.record.encryption?.overlays.push({ protocol: 'udp', port: 8472 });
    expect((await judgeRun(run)).verdict).toBe('fail');
  });
});

describe('what this run sent', () => {
  const SIZES = [400, 144, 912, 256, 1008, 640, 528, 176, 800];

  /** A run with a sequence of lengths from n1 to n2, which goes through the tunnel or not. */
  function sent(tunnelled: boolean, which: 'fingerprints' | 'furtherPods' = 'fingerprints'): Run {
    const sessions: NonNullable<RunOptions['sessions']> = new Map();
    const run = makeRun({ nodes: 2, sessions });
    const { fromPod, toPod } = probeOf(run, 'n1', 'n2');
    const sequence = { family: 4 as const, protocol: 'udp' as const, sizes: SIZES, sent: SIZES.length, choices: 50 };
    const ends = { from: 'n1', to: 'n2', ...sequence };
    if (which === 'fingerprints') run.record.fingerprints = [{ ...ends, fromPod, toPod, received: SIZES.length }];
    else run.record.furtherPods = [{ ...ends, pod: { ...toPod, name: 'backend' } }];
    const [n1, n2] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    const way = tunnelled ? wireguardTransport(sessions) : () => [];
    inject(run, 'n1', ...SIZES.flatMap((size) => way(run, n1, n2, Buffer.alloc(size))));
    return run;
  }

  test('makes a pair encrypted if it is recognised in the ciphertext', async () => {
    const result = await judgeRun(sent(true));
    expect(result.verdict).toBe('pass');
    expect(pairOf(result, 'n1', 'n2').reason).toContain('1 sequences of lengths recognised');
  });

  test('leaves it open where it went if it is not there, though other ciphertext is', async () => {
    const result = await judgeRun(sent(false));
    expect(result.verdict).toBe('inconclusive');
    expect(pairOf(result, 'n1', 'n2').reason).toBe(
      "this run's packets of UDP over IPv4 from n1 to n2 arrived, but they are not in the ciphertext: they took another way",
    );
    expect(pairOf(result, 'n2', 'n1').observation).toBe('encrypted');
  });

  test('tests a further pod only if it is recognised', async () => {
    const reached = await judgeRun(sent(true, 'furtherPods'));
    expect(reached).toMatchObject({ verdict: 'pass', furtherPods: { ways: 1, recognised: 1 }, untested: [] });
    const dropped = await judgeRun(sent(false, 'furtherPods'));
    expect(dropped).toMatchObject({ verdict: 'inconclusive', furtherPods: { ways: 1, recognised: 0 } });
    expect(dropped.summary).toContain('from n1 to the pod wglab/backend on n2');
  });

  test('is missed over a family that pods have and that was not tried', async () => {
    const run = makeRun({ nodes: 2 });
    run.record.podNetworks.push({ cidr: 'fd00:1::/64', node: 'n1' });
    expect(await judgeRun(run)).toMatchObject({ verdict: 'inconclusive' });
    expect((await judgeRun(run)).summary).toContain('no connection over IPv6 was tested');
  });
});

test('plaintext between two nodes outside the sample fails the claim', async () => {
  const run = makeRun({ nodes: 3 });
  run.record.sample = { pairs: [['n1', 'n2']], of: 6 };
  expect((await judgeRun(run)).verdict).toBe('pass');
  const probe = probeOf(run, 'n2', 'n3');
  const { inner } = podPacket(probe, true, 1, 0x10, Buffer.alloc(10));
  inject(run, 'n2', ...directTransport(run, nodeOf(run, 'n2'), nodeOf(run, 'n3'), inner));
  const result = await judgeRun(run);
  expect(result.verdict).toBe('fail');
  expect(result.summary).toContain('fails outside the sample: n2 to n3, 1 packet of pods in plaintext');
});

test('what nobody can explain outside the sample leaves the claim open', async () => {
  const run = makeRun({ nodes: 3 });
  run.record.sample = { pairs: [['n1', 'n2']], of: 6 };
  const noise = packets.udp(LISTEN_PORT, LISTEN_PORT, Buffer.alloc(50));
  inject(run, 'n2', between(nodeOf(run, 'n2'), nodeOf(run, 'n3'), 17, noise));
  expect(await judgeRun(run)).toMatchObject({ verdict: 'inconclusive' });
});
