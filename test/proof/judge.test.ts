import { describe, expect, test } from 'vitest';
import type { VerifyResult } from '../../src/proof/result.ts';
import { exitCodeOf } from '../../src/proof/verdict.ts';
import * as packets from './packets.ts';
import {
  between,
  conversation,
  directTransport,
  inject,
  ipipTransport,
  judgeRun,
  LISTEN_PORT,
  makeRun,
  marker,
  nodeOf,
  pairOf,
  podPacket,
  probeOf,
  type Run,
  type Transport,
  tapOf,
  tapRecordOf,
  vxlanOn,
  vxlanTransport,
  wireguardTransport,
} from './run.ts';

const ACK = 0x10;

function exit(result: VerifyResult): number {
  return exitCodeOf(result.verdict);
}

/** WireGuard everywhere, but for the pairs that are given. */
function except(transport: Transport, ...pairs: [string, string][]) {
  const sessions = new Map();
  const wireguard = wireguardTransport(sessions);
  const way = (from: string, to: string) => (pairs.some((p) => p[0] === from && p[1] === to) ? transport : wireguard);
  return makeRun({ sessions, transport: way });
}

/** Nothing is delivered between two nodes, either way, and nothing of it leaves. */
function undelivered(run: Run, a: string, b: string, reason = 'timed out'): void {
  for (const probe of [probeOf(run, a, b), probeOf(run, b, a)]) Object.assign(probe, { delivered: false, reason });
  const toWireguard = (frame: Buffer) => frame.length > 38 && frame.readUInt16BE(36) === LISTEN_PORT;
  for (const node of [a, b]) {
    const peer = nodeOf(run, node === a ? b : a).address;
    const there = (frame: Buffer) => [...frame.subarray(30, 34)].join('.') === peer;
    const kept = tapOf(run, node).filter((frame) => !(there(frame) && toWireguard(frame)));
    tapOf(run, node).splice(0, Number.POSITIVE_INFINITY, ...kept);
  }
}

describe('runs in which nothing went wrong', () => {
  test('everything over WireGuard, with the first handshakes in the window, is encrypted', async () => {
    const result = await judgeRun(makeRun());
    expect(result.pairs.map((p) => [p.observation, p.delivered, p.plaintextPackets])).toEqual(
      Array(6).fill(['encrypted', true, 0]),
    );
    expect(pairOf(result, 'n1', 'n2').reason).toContain(
      "a handshake that was made for the published key and WireGuard's own counters",
    );
    expect(result.summary).toBe('Traffic between all 6 pairs of nodes is encrypted.');
    expect(result.verdict).toBe('pass');
    expect(exit(await judgeRun(makeRun(), { expect: 'plaintext' }))).toBe(1);
    expect(exit(await judgeRun(makeRun(), { expect: null }))).toBe(0);
  });

  test('in sessions that were there before the window too', async () => {
    const result = await judgeRun(makeRun({ handshakes: false }));
    expect(result.verdict).toBe('pass');
    expect(pairOf(result, 'n3', 'n2').ciphertextPackets).toBeGreaterThan(5);
  });

  test.each([
    ['VXLAN', vxlanTransport],
    ['no encapsulation', directTransport],
    ['IP-in-IP', ipipTransport],
  ])('everything unencrypted, with %s, is plaintext', async (_name, transport) => {
    const run = makeRun({ transport: () => transport, handshakes: false });
    const result = await judgeRun(run, { expect: 'plaintext' });
    expect(result.pairs.map((p) => [p.observation, p.ciphertextPackets])).toEqual(Array(6).fill(['plaintext', 0]));
    expect(exit(result)).toBe(0);
    expect(exit(await judgeRun(run, { expect: 'encrypted' }))).toBe(1);
  });

  test('clear and encrypted packets of one pair are mixed, and no claim holds', async () => {
    const sessions = new Map();
    const both: Transport = (run, from, to, inner) => [
      ...vxlanTransport(run, from, to, inner),
      ...wireguardTransport(sessions)(run, from, to, inner),
    ];
    const run = makeRun({ sessions, transport: () => both });
    const result = await judgeRun(run);
    expect(result.pairs.every((p) => p.observation === 'mixed')).toBe(true);
    expect(exit(result)).toBe(1);
    expect(exit(await judgeRun(run, { expect: 'plaintext' }))).toBe(1);
  });

  test('20 nodes are judged as three are', async () => {
    const result = await judgeRun(makeRun({ nodes: 20 }));
    expect(result.pairs).toHaveLength(380);
    expect(result.verdict).toBe('pass');
  });

  test('one node alone has nothing to observe', async () => {
    expect(exit(await judgeRun(makeRun({ nodes: 1 })))).toBe(3);
  });

  test('the result has the fields that scripts rely on', async () => {
    const run = makeRun({ nodes: 2 });
    const result = await judgeRun(run);
    expect(result).toMatchObject({ lab: 'synthetic', engine: 'embedded', dataplane: 'kernel', expect: 'encrypted' });
    expect(Object.keys(result.pairs[0] ?? {})).toEqual(
      expect.arrayContaining([
        'from',
        'to',
        'observation',
        'delivered',
        'plaintextPackets',
        'ciphertextPackets',
        'reason',
      ]),
    );
    const packets = tapOf(run, 'n1').length;
    expect(result.taps[0]).toEqual({ node: 'n1', interface: 'eth0', packets, dropped: 0, controlSeen: true });
    expect(result.outOfScope).toContainEqual({ what: 'link', packets: 2, note: expect.any(String) });
  });

  test('excerpts show secrets before and ciphertext after, in printable characters only', async () => {
    const before = await judgeRun(makeRun({ transport: () => vxlanTransport, handshakes: false }));
    expect(before.excerpts.flatMap((e) => e.lines).join('\n')).toMatch(/Authorization: Bearer [0-9a-f]{48}/);
    const after = await judgeRun(makeRun());
    const [sample] = after.excerpts;
    expect(sample).toMatchObject({ kind: 'ciphertext', from: 'n1', to: 'n2', tap: 'n1' });
    expect(sample?.lines).toHaveLength(4);
    expect(sample?.lines[0]).toMatch(/^04 00 00 00 ([0-9a-f]{2} ){12} /);
    for (const line of [...before.excerpts, ...after.excerpts].flatMap((e) => e.lines))
      expect(line).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe('the faults of the issue, with encryption claimed', () => {
  test('the ip rule gone on one node: what it sends is plaintext', async () => {
    const result = await judgeRun(except(vxlanTransport, ['n2', 'n1'], ['n2', 'n3']));
    expect(exit(result)).toBe(1);
    expect(pairOf(result, 'n2', 'n1').observation).toBe('plaintext');
    expect(pairOf(result, 'n1', 'n2').observation).toBe('encrypted');
  });

  test('the route to one block gone from table 1: one direction is plaintext', async () => {
    const result = await judgeRun(except(vxlanTransport, ['n2', 'n3']));
    expect(exit(result)).toBe(1);
    expect(result.pairs.filter((p) => p.observation !== 'encrypted').map((p) => [p.from, p.to])).toEqual([
      ['n2', 'n3'],
    ]);
    expect(result.summary).toContain('1 of 6 pairs of nodes, first n2 to n3');
  });

  test('the same if the answer never comes: the first plaintext packet is enough', async () => {
    const run = makeRun();
    undelivered(run, 'n2', 'n3');
    const [syn] = conversation(run, probeOf(run, 'n2', 'n3'));
    if (syn) inject(run, 'n2', vxlanOn(4789, nodeOf(run, 'n2'), nodeOf(run, 'n3'), syn.inner));
    const result = await judgeRun(run);
    expect(exit(result)).toBe(1);
    expect(pairOf(result, 'n2', 'n3')).toMatchObject({
      observation: 'inconclusive',
      delivered: false,
      plaintextPackets: 1,
    });
    expect(exit(await judgeRun(run, { expect: 'plaintext' }))).toBe(1);
  });

  test('encryption off on one of the nodes', async () => {
    const run = except(vxlanTransport, ['n3', 'n1'], ['n3', 'n2'], ['n1', 'n3'], ['n2', 'n3']);
    nodeOf(run, 'n3').wireguard = null;
    const result = await judgeRun(run);
    expect(exit(result)).toBe(1);
    expect(pairOf(result, 'n1', 'n3').observation).toBe('plaintext');
    expect(pairOf(result, 'n1', 'n2').observation).toBe('encrypted');
  });

  test('a mirror of what pods say, to any host (iptables TEE)', async () => {
    const run = makeRun();
    for (const { inner } of conversation(run, probeOf(run, 'n1', 'n2'))) {
      inject(run, 'n2', packets.frameOf(nodeOf(run, 'n2').macAddress, '02:42:ac:12:00:63', inner));
    }
    const result = await judgeRun(run);
    expect(exit(result)).toBe(1);
    expect(pairOf(result, 'n1', 'n2')).toMatchObject({ observation: 'mixed', markerPackets: 1 });
    expect(pairOf(result, 'n2', 'n1')).toMatchObject({ observation: 'mixed', markerPackets: 1 });
    expect(pairOf(result, 'n1', 'n3').observation).toBe('encrypted');
  });

  test('a mirror that keeps the frames of the pod (tc mirred)', async () => {
    const run = makeRun();
    const { inner } = podPacket(probeOf(run, 'n1', 'n2'), true, 1, ACK, marker(run, 'request n1 n2'));
    inject(run, 'n1', packets.frameOf('0a:58:00:00:00:01', 'ee:ee:ee:ee:ee:ee', inner));
    expect(exit(await judgeRun(run))).toBe(1);
  });

  const plainOn51820: [string, (run: Run, inner: Buffer) => Buffer][] = [
    ['VXLAN on that port', (run, inner) => vxlanOn(LISTEN_PORT, nodeOf(run, 'n1'), nodeOf(run, 'n2'), inner)],
    ['bare IP in UDP', (run, inner) => onWireguardPorts(run, inner)],
    ['the header of WireGuard', (run, inner) => onWireguardPorts(run, fakeData(inner))],
    ['pods on that port', (run) => podDatagram(run)],
  ];
  test.each(plainOn51820)('plain pod traffic over UDP 51820 that is not WireGuard: %s', async (_name, wrap) => {
    const run = makeRun();
    const { inner } = podPacket(probeOf(run, 'n1', 'n2'), true, 1, ACK, Buffer.from('half a marker is no marker'));
    inject(run, 'n1', wrap(run, inner));
    const result = await judgeRun(run);
    expect(pairOf(result, 'n1', 'n2')).toMatchObject({ plaintextPackets: 1, markerPackets: 0 });
    expect(exit(result)).toBe(1);
  });

  test('instead of WireGuard, it is plaintext and nothing else', async () => {
    let counter = 0;
    const fake: Transport = (_run, from, to, inner) => [
      between(from, to, 17, packets.udp(LISTEN_PORT, LISTEN_PORT, fakeData(inner, counter++))),
    ];
    const run = makeRun({ transport: () => fake, handshakes: false });
    const result = await judgeRun(run);
    expect(exit(result)).toBe(1);
    expect(result.pairs.map((p) => [p.observation, p.ciphertextPackets])).toEqual(Array(6).fill(['plaintext', 0]));
  });

  test.each([
    ['did not start', 'not started', { n1: null }, /tcpdump did not start on n1: eth0: No such device/],
    ['ends at once', 'died', { n1: packets.pcap([]) }, /ended before it was stopped: eth0: No such device/],
    ['dies half-way', 'died', {}, /ended before it was stopped/],
    ['had to be killed', 'killed', {}, /had to be killed/],
  ] as const)('tcpdump %s', async (_name, how, files, reason) => {
    const run = makeRun();
    Object.assign(tapRecordOf(run, 'n1'), { exit: how, stderr: 'tcpdump: listening\neth0: No such device\n' });
    const result = await judgeRun(run, { files });
    expect(exit(result)).toBe(3);
    for (const pair of [pairOf(result, 'n1', 'n2'), pairOf(result, 'n3', 'n1')]) {
      expect(pair.observation).toBe('inconclusive');
      expect(pair.reason).toMatch(reason);
    }
    expect(pairOf(result, 'n2', 'n3').observation).toBe('encrypted');
  });

  test('tcpdump stops half-way without anybody noticing: the closing control is missing', async () => {
    const run = makeRun();
    tapOf(run, 'n1').splice(12);
    const result = await judgeRun(run);
    expect(exit(result)).toBe(3);
    expect(pairOf(result, 'n1', 'n2').reason).toContain('did not capture its control packet to n2 after the traffic');
  });

  test('started on the tunnel device or in a pod, where everything is plaintext: inconclusive, not a leak', async () => {
    const run = makeRun();
    const inside = conversation(run, probeOf(run, 'n1', 'n2')).map(({ inner }) => inner);
    const inPod = inside.map((inner) => packets.frameOf('ee:ee:ee:ee:ee:ee', '0a:58:00:00:00:01', inner));
    for (const wrong of [
      packets.pcap(inPod),
      packets.pcap(inside, { linkType: 101 }),
      packets.pcap(cooked(inside), { linkType: 113 }),
    ]) {
      tapRecordOf(run, 'n1').packetsCaptured = inside.length;
      const result = await judgeRun(run, { files: { n1: wrong } });
      expect(exit(result)).toBe(3);
      expect(pairOf(result, 'n1', 'n2').reason).toBe(
        'the tap on n1 did not capture its control packet to n2 before the traffic: capture is broken or on the wrong interface (eth0; the underlay is eth0)',
      );
    }
  });

  test('the control packet is blocked', async () => {
    const run = makeRun();
    const tap = tapOf(run, 'n1');
    const kept = tap.filter((frame) => !/open n1|close n1/.test(controlIn(run, frame)));
    tap.splice(0, tap.length, ...kept);
    const result = await judgeRun(run);
    expect(exit(result)).toBe(3);
    expect(pairOf(result, 'n1', 'n2').reason).toContain('the packet was blocked');
    expect(result.taps[0]?.controlSeen).toBe(false);
  });

  test('a close control before the open one says nothing about the time between them', async () => {
    const run = makeRun({ transport: () => vxlanTransport, handshakes: false });
    const tap = tapOf(run, 'n1');
    const place = (kind: string) => tap.findIndex((frame) => frame.includes(marker(run, `${kind} n1 n2`)));
    const [open, close] = [place('open'), place('close')];
    [tap[open], tap[close]] = [tap[close] ?? Buffer.alloc(0), tap[open] ?? Buffer.alloc(0)];
    const result = await judgeRun(run, { expect: 'plaintext' });
    expect(pairOf(result, 'n1', 'n2').reason).toContain('its control packet to n2 after the traffic');
    expect(exit(result)).toBe(3);
  });

  test.each(['peer removed', 'allowed IPs cut'])('nothing is delivered, nothing is plaintext: %s', async (reason) => {
    const run = makeRun();
    undelivered(run, 'n1', 'n2', reason);
    const result = await judgeRun(run);
    expect(exit(result)).toBe(3);
    expect(pairOf(result, 'n1', 'n2')).toMatchObject({
      delivered: false,
      reason: `nothing was delivered from n1 to n2: ${reason}`,
    });
    expect(pairOf(result, 'n1', 'n3').observation).toBe('encrypted');
  });

  test('a wrong key: handshakes that are for somebody else', async () => {
    const run = makeRun();
    undelivered(run, 'n1', 'n2');
    inject(run, 'n1', onWireguardPorts(run, packets.wireguardInitiation(7, Buffer.alloc(32, 7))));
    expect(exit(await judgeRun(run))).toBe(3);
    const delivered = makeRun();
    inject(delivered, 'n1', onWireguardPorts(delivered, packets.wireguardInitiation(7, Buffer.alloc(32, 7))));
    const result = await judgeRun(delivered);
    expect(pairOf(result, 'n1', 'n2').reason).toContain('not for the key that n2 publishes');
    expect(exit(result)).toBe(3);
  });

  test('the only pods sit on one node', async () => {
    const run = makeRun();
    run.record.probes = [];
    run.record.problems = [2, 3].map((n) => ({ node: `n${n}`, message: `there is no pod on n${n}` }));
    const result = await judgeRun(run);
    expect(exit(result)).toBe(3);
    expect(pairOf(result, 'n1', 'n2').reason).toBe('there is no pod on n2');
  });

  const halves: [string, (run: Run) => Buffer[]][] = [
    [
      'TCP segments',
      (run) => segments(run).map(({ from, to, inner }) => packets.frameOf(from.macAddress, to.macAddress, inner)),
    ],
    ['TCP segments in VXLAN', (run) => segments(run).map(({ from, to, inner }) => vxlanOn(4789, from, to, inner))],
    ['IP fragments', (run) => fragmentsOf(run)],
    ['IP fragments of VXLAN', (run) => fragmentsOfVxlan(run)],
  ];
  test.each(halves)('a marker split across %s', async (_name, make) => {
    const run = makeRun();
    inject(run, 'n1', ...make(run));
    const result = await judgeRun(run);
    expect(exit(result)).toBe(1);
    expect(pairOf(result, 'n1', 'n2').markerPackets).toBeGreaterThan(0);
  });

  test('a marker split across segments between addresses that nobody knows', async () => {
    const run = makeRun();
    const data = marker(run, 'request n1 n2');
    const parts = [data.subarray(0, 20), data.subarray(20)];
    const sent = parts.map((part, i) =>
      packets.ipv4('10.9.9.1', '10.9.9.2', 6, packets.tcp(1, 2, 100 + i * 20, ACK, part)),
    );
    inject(run, 'n3', ...sent.map((ip) => packets.frameOf(nodeOf(run, 'n3').macAddress, '02:42:ac:12:00:63', ip)));
    const result = await judgeRun(run);
    expect(exit(result)).toBe(1);
    // Each part is long enough to be known by itself.
    expect(pairOf(result, 'n1', 'n2').plaintextPackets).toBe(2);
  });

  function onWireguardPorts(run: Run, payload: Buffer): Buffer {
    return between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 17, packets.udp(LISTEN_PORT, LISTEN_PORT, payload));
  }

  function fakeData(inner: Buffer, counter = 0): Buffer {
    const padded = Buffer.alloc(Math.ceil(inner.length / 16) * 16 + 16);
    inner.copy(padded);
    return packets.wireguardData(1234, counter, 0, padded);
  }

  function podDatagram(run: Run): Buffer {
    const { fromPod, toPod } = probeOf(run, 'n1', 'n2');
    const datagram = packets.udp(LISTEN_PORT, LISTEN_PORT, packets.wireguardData(1, 1, 400));
    const inner = packets.ipv4(fromPod.address, toPod.address, 17, datagram);
    return packets.frameOf(nodeOf(run, 'n1').macAddress, nodeOf(run, 'n2').macAddress, inner);
  }

  function cooked(ips: Buffer[]): Buffer[] {
    return ips.map((ip) => Buffer.concat([Buffer.from('00040001000602420000000100000800', 'hex'), ip]));
  }

  function controlIn(run: Run, frame: Buffer): string {
    return run.record.controls
      .flatMap(({ open, close }) => [open, close])
      .filter((id) => frame.includes(marker(run, id)))
      .join();
  }

  /** The request's marker in two TCP segments. */
  function segments(run: Run) {
    const data = marker(run, 'request n1 n2');
    const probe = probeOf(run, 'n1', 'n2');
    const ends = { from: nodeOf(run, 'n1'), to: nodeOf(run, 'n2') };
    return [
      { ...ends, inner: podPacket(probe, true, 500, ACK, data.subarray(0, 20)).inner },
      { ...ends, inner: podPacket(probe, true, 520, ACK, data.subarray(20)).inner },
    ];
  }

  function whole(run: Run): Buffer {
    return podPacket(probeOf(run, 'n1', 'n2'), true, 500, ACK, marker(run, 'request n1 n2')).inner;
  }

  function fragmentsOf(run: Run): Buffer[] {
    const [from, to] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    return packets.fragments(whole(run), 40, 77).map((ip) => packets.frameOf(from.macAddress, to.macAddress, ip));
  }

  function fragmentsOfVxlan(run: Run): Buffer[] {
    const [from, to] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    const outer = vxlanOn(4789, from, to, whole(run)).subarray(14);
    return packets.fragments(outer, 96, 78).map((ip) => packets.frameOf(from.macAddress, to.macAddress, ip));
  }
});
