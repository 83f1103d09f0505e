import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Cluster } from '../../src/proof/cluster.ts';
import { TapExaminer } from '../../src/proof/examine-tap.ts';
import { verifyResult } from '../../src/proof/result.ts';
import { decodeFrame } from '../../src/wire/decode.ts';
import * as packets from './packets.ts';
import {
  addIpv6,
  between,
  conversation,
  inject,
  judgeRun,
  LISTEN_PORT,
  makeRun,
  marker,
  nodeOf,
  packetsOf,
  pairOf,
  probeOf,
  type Run,
  type RunOptions,
  type Transport,
  tapOf,
  tapRecordOf,
  vxlanTransport,
  wireguardTransport,
} from './run.ts';

/** Instead of what would have been encrypted, this is what stands on WireGuard's ports. */
type Forge = (session: { index: number; counter: number }, inner: Buffer) => Buffer;

/** Two nodes, where only what n1 sends to n2 is forged. By its own account all went well, in sessions that were there before. */
function forged(forge: Forge, options: RunOptions = {}): Run {
  const session = { index: 4711, counter: 100 };
  const sessions = new Map();
  const honest = wireguardTransport(sessions);
  const transport: Transport = (run, from, to, inner) => {
    if (from.name !== 'n1') return honest(run, from, to, inner);
    const message = forge(session, inner);
    session.counter += 1;
    return [between(from, to, 17, packets.udp(LISTEN_PORT, LISTEN_PORT, message))];
  };
  const run = makeRun({ nodes: 2, handshakes: false, transport: () => transport, sessions, ...options });
  const counted = run.record.nodes.flatMap(({ wireguard }) => wireguard?.peers?.after ?? []);
  for (const peer of counted) Object.assign(peer, { tx: 100_000, rx: 100_000 });
  return run;
}

const random: Forge = ({ index, counter }, inner) => packets.wireguardData(index, counter, inner.length);
const body = (inner: Buffer) => Math.ceil(inner.length / 16) * 16 + 16;

async function reasonOf(run: Run): Promise<string> {
  const result = await judgeRun(run);
  const pair = pairOf(result, 'n1', 'n2');
  expect(pair.observation).toBe('inconclusive');
  expect(result.verdict).toBe('inconclusive');
  return pair.reason;
}

describe('what looks like WireGuard and is not', () => {
  test('the forger itself passes where it forges nothing, so that the rest means something', async () => {
    expect((await judgeRun(forged(random))).verdict).toBe('pass');
  });

  const forgeries: [string, Forge, RegExp][] = [
    [
      'text behind the header',
      (s, inner) => data(s, Buffer.from(randomBytes(body(inner)).toString('hex').slice(0, body(inner)))),
      /structured content/,
    ],
    [
      'base64 behind the header',
      (s, inner) => data(s, Buffer.from(randomBytes(2000).toString('base64').slice(0, body(inner)))),
      /structured content/,
    ],
    ['one key stream for all packets', (s, inner) => data(s, xor(inner)), /one key stream used again/],
    [
      'a counter that never moves',
      (s, inner) => packets.wireguardData(s.index, 5, inner.length),
      /a counter that was used before/,
    ],
    [
      'a counter that runs backwards',
      (s, inner) => packets.wireguardData(s.index, 9_000_000 - s.counter * 9000, inner.length),
      /a counter far from those around it/,
    ],
    [
      'a counter that leaps',
      (s, inner) => packets.wireguardData(s.index, s.counter * 100_000, inner.length),
      /a counter far from those around it/,
    ],
    [
      'an index of its own for each packet',
      (s, inner) => packets.wireguardData(s.index + s.counter, 0, inner.length),
      /no session that the two nodes have/,
    ],
    ['lengths that are not padded', (s, inner) => data(s, randomBytes(body(inner) + 3)), /not 32 \+ 16n/],
    ['reserved bytes that are not zero', (s, inner) => reserved(random(s, inner)), /reserved bytes/],
    ['keepalives only', (s) => packets.wireguardData(s.index, s.counter, 0), /neither plaintext nor ciphertext/],
  ];
  test.each(forgeries)('%s is not ciphertext', async (_name, forge, reason) => {
    expect(await reasonOf(forged(forge))).toMatch(reason);
  });

  test('an MTU that is no multiple of 16 makes one odd length right', async () => {
    const run = forged((s) => data(s, randomBytes(1420 + 16)));
    expect(await reasonOf(run)).toContain('not 32 + 16n');
    for (const { wireguard } of run.record.nodes) if (wireguard) wireguard.mtu = 1420;
    expect((await judgeRun(run)).verdict).toBe('pass');
  });

  test('segmentation offload: one datagram that holds many messages counts as many', async () => {
    const offloaded: Forge = (s, inner) => {
      const [first, second] = [s.counter * 2, s.counter * 2 + 1];
      return Buffer.concat([
        packets.wireguardData(s.index, first, inner.length),
        packets.wireguardData(s.index, second, 40),
      ]);
    };
    const result = await judgeRun(forged(offloaded));
    expect(result.verdict).toBe('pass');
    expect(pairOf(result, 'n1', 'n2').ciphertextPackets).toBe(2 * 9);
  });

  test('an index that was not announced, where the handshakes were captured and there was no session before', async () => {
    const run = forged(random, { handshakes: true });
    expect(await reasonOf(run)).toContain('no session that the two nodes have');
  });

  test('WireGuard to a third host, from one, or from a port that is not that of the node', async () => {
    const elsewhere = [
      ['172.18.0.2', '172.18.0.99', LISTEN_PORT],
      ['172.18.0.99', '172.18.0.3', LISTEN_PORT],
      ['172.18.0.2', '172.18.0.3', 51999],
    ] as const;
    for (const [source, destination, port] of elsewhere) {
      const away: Transport = (run, from, to, inner) => {
        const message = packets.wireguardData(1, tapOf(run, from.name).length, inner.length);
        const ip = packets.ipv4(source, destination, 17, packets.udp(port, LISTEN_PORT, message));
        return [packets.frameOf(from.macAddress, to.macAddress, ip)];
      };
      const run = makeRun({ nodes: 2, handshakes: false, transport: () => away });
      expect(await reasonOf(run)).toMatch(/neither plaintext nor ciphertext left n1 for n2|unexplained/);
    }
  });

  test('WireGuard in IP fragments is what it is once its datagram is whole, and unexplained until then', async () => {
    const sessions: NonNullable<RunOptions['sessions']> = new Map();
    const run = makeRun({ nodes: 2, sessions });
    const [n1, n2] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    const [whole] = wireguardTransport(sessions)(run, n1, n2, Buffer.alloc(1400));
    const ip = whole?.subarray(14) ?? Buffer.alloc(0);
    const before = pairOf(await judgeRun(run), 'n1', 'n2').ciphertextPackets;
    const fragments = packets.fragments(ip, 1008, 3).map((f) => packets.frameOf(n1.macAddress, n2.macAddress, f));
    inject(run, 'n1', ...fragments);
    const result = await judgeRun(run);
    expect(pairOf(result, 'n1', 'n2')).toMatchObject({ observation: 'encrypted', ciphertextPackets: before + 1 });
    expect(packetsOf(result, 'unexplained')).toBe(0);
    tapOf(run, 'n1').splice(tapOf(run, 'n1').indexOf(fragments[1] ?? Buffer.alloc(0)), 1);
    expect(await reasonOf(run)).toBe('1 packet unexplained: fragments of a packet that never became whole');
  });

  test('less ciphertext than was delivered', async () => {
    const run = makeRun({ nodes: 2 });
    probeOf(run, 'n1', 'n2').sentBytes = 300_000;
    for (const { wireguard } of run.record.nodes) if (wireguard) wireguard.peers = null;
    expect(await reasonOf(run)).toMatch(/only \d+ bytes of ciphertext left n1 for n2, fewer than the 302000 delivered/);
  });

  test('ciphertext before the open control, or after the close control, is not of this window', async () => {
    const run = makeRun({ nodes: 2 });
    for (const which of ['open', 'close'] as const) {
      const tap = tapOf(run, 'n1');
      const at = tap.findIndex((frame) => frame.includes(marker(run, `${which} n1 n2`)));
      const [control] = tap.splice(at, 1);
      const other = makeRun({ nodes: 2 });
      if (control) tap.splice(which === 'open' ? tap.length - 1 : 2, 0, control);
      expect(await reasonOf(run), which).toMatch(/only 0 bytes of ciphertext|after the traffic/);
      Object.assign(run, other);
    }
  });

  test('one packet of text on its ports, among much ciphertext', async () => {
    const run = makeRun({ nodes: 2 });
    const text = packets.wireguardData(99, 1, 0, Buffer.from(randomBytes(200).toString('hex')));
    inject(run, 'n1', between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 17, packets.udp(LISTEN_PORT, LISTEN_PORT, text)));
    expect(await reasonOf(run)).toBe(
      "1 packet unexplained: WireGuard's header, but structured content, not ciphertext",
    );
  });

  test('a handshake for the right key that leads to no session ties nothing to that key', async () => {
    const run = makeRun({ nodes: 2, handshakes: false });
    for (const { wireguard } of run.record.nodes) if (wireguard) wireguard.peers = null;
    const [n1, n2] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    for (const [from, to] of [
      [n1, n2],
      [n2, n1],
    ] as const) {
      const initiation = packets.wireguardInitiation(5, Buffer.from(to.wireguard?.publicKey ?? '', 'base64'));
      inject(run, from.name, between(from, to, 17, packets.udp(LISTEN_PORT, LISTEN_PORT, initiation)));
    }
    expect(await reasonOf(run)).toContain('tie the ciphertext to the key of n2');
  });

  test('ESP is unexplained where it is not the encryption of the CNI', async () => {
    let sequence = 0;
    const ipsec: Transport = (_run, from, to, inner) => [
      between(from, to, 50, packets.esp(3, ++sequence, body(inner))),
    ];
    const run = makeRun({ nodes: 2, transport: () => ipsec });
    expect(await reasonOf(run)).toContain('ESP');
    const both: Transport = (r, from, to, inner) => [
      ...vxlanTransport(r, from, to, inner),
      ...ipsec(r, from, to, inner),
    ];
    expect(pairOf(await judgeRun(makeRun({ nodes: 2, transport: () => both })), 'n1', 'n2').observation).toBe(
      'plaintext',
    );
  });

  const KEY_STREAM = randomBytes(2000);

  function data(session: { index: number; counter: number }, content: Buffer): Buffer {
    return packets.wireguardData(session.index, session.counter, 0, content);
  }

  function xor(inner: Buffer): Buffer {
    const padded = Buffer.alloc(body(inner));
    inner.copy(padded);
    return Buffer.from(padded.map((byte, i) => byte ^ (KEY_STREAM[i] ?? 0)));
  }

  function reserved(message: Buffer): Buffer {
    message.writeUInt8(1, 2);
    return message;
  }
});

test('a capture that could not be searched as a whole proves nothing', () => {
  const { record, taps } = makeRun({ nodes: 2 });
  for (const tap of record.taps) tap.packetsCaptured = taps.get(tap.node)?.length ?? 0;
  const cluster = new Cluster(record);
  const seen = (unsearched: number) =>
    record.taps.map((tap) => {
      const node = cluster.node(tap.node);
      if (!node) throw new Error(`no node ${tap.node}`);
      const examiner = new TapExaminer(cluster, tap, node);
      for (const [index, bytes] of (taps.get(tap.node) ?? []).entries()) {
        const frame = { index, time: 0, linkType: 1, originalLength: bytes.length, bytes };
        examiner.see(frame, decodeFrame(frame), []);
      }
      return examiner.seen({ broken: undefined, unsearched });
    });
  expect(verifyResult(cluster, seen(0), 'encrypted', '').verdict).toBe('pass');
  expect(verifyResult(cluster, seen(1), 'encrypted', '').verdict).toBe('inconclusive');
});

describe('plaintext in odd places', () => {
  test('a marker in the padding of an ARP packet', async () => {
    const run = makeRun();
    const { macAddress, address } = nodeOf(run, 'n3');
    inject(run, 'n3', packets.arp(macAddress, address, '172.18.0.9', marker(run, 'reply n1 n2')));
    const result = await judgeRun(run);
    expect(result.verdict).toBe('fail');
    expect(pairOf(result, 'n2', 'n1')).toMatchObject({ observation: 'mixed', markerPackets: 1 });
  });

  test('the packet of a pod, quoted in an ICMP error', async () => {
    const run = makeRun();
    const [syn] = conversation(run, probeOf(run, 'n1', 'n2'));
    const [from, to] = [nodeOf(run, 'n2'), nodeOf(run, 'n1')];
    if (syn) inject(run, 'n2', between(from, to, 1, packets.icmpError(syn.inner)));
    expect(pairOf(await judgeRun(run), 'n1', 'n2')).toMatchObject({ observation: 'mixed', plaintextPackets: 1 });
  });

  test('pods in headers that only a decoder finds: with options, with a wrong checksum, quoted', async () => {
    const run = makeRun();
    const [from, to] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    const plain = packets.ipv4('192.168.1.10', '192.168.2.10', 17, packets.udp(1, 2, Buffer.alloc(8)));
    const wrong = Buffer.from(plain);
    wrong.writeUInt16BE(wrong.readUInt16BE(10) ^ 0x1234, 10);
    const optioned = Buffer.concat([plain.subarray(0, 20), Buffer.from([1, 1, 1, 0]), plain.subarray(20)]);
    optioned.writeUInt8(0x46, 0);
    optioned.writeUInt16BE(optioned.length, 2);
    inject(run, 'n1', ...[wrong, optioned].map((ip) => packets.frameOf(from.macAddress, to.macAddress, ip)));
    inject(run, 'n1', between(from, to, 1, packets.icmpError(wrong)));
    expect(pairOf(await judgeRun(run), 'n1', 'n2').plaintextPackets).toBe(3);
  });

  test('IPv6 of pods, without a marker', async () => {
    const run = makeRun();
    addIpv6(run);
    const [from, to] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    const inner = packets.ipv6(
      'fd00:10:244:1:0:0:0:5',
      'fd00:10:244:2:0:0:0:5',
      17,
      packets.udp(1, 2, Buffer.alloc(8)),
    );
    inject(run, 'n1', packets.frameOf(from.macAddress, to.macAddress, inner));
    inject(run, 'n1', between(from, to, 17, packets.udp(7, 7777, Buffer.concat([Buffer.from('tunnel'), inner]))));
    expect(pairOf(await judgeRun(run), 'n1', 'n2')).toMatchObject({ observation: 'mixed', plaintextPackets: 2 });
  });

  test('addresses of a pool that belong to no known node count against all that the node sends', async () => {
    const run = makeRun();
    const datagram = packets.udp(1, 2, Buffer.alloc(8));
    const stranger = packets.ipv4('192.168.1.10', '192.168.77.7', 17, datagram);
    inject(run, 'n1', packets.frameOf(nodeOf(run, 'n1').macAddress, '02:42:ac:12:00:63', stranger));
    const sameNode = packets.ipv4('192.168.3.10', '192.168.3.11', 17, datagram);
    inject(run, 'n3', packets.frameOf(nodeOf(run, 'n3').macAddress, '02:42:ac:12:00:63', sameNode));
    const result = await judgeRun(run);
    const plain = result.pairs.filter((p) => p.plaintextPackets > 0).map((p) => `${p.from} ${p.to}`);
    expect(plain).toEqual(['n1 n2', 'n1 n3', 'n3 n1', 'n3 n2']);
    expect(result.verdict).toBe('fail');
  });

  test('a pod that reaches the outside by way of another node, tunnelled as plaintext', async () => {
    const run = makeRun();
    const inner = packets.ipv4('192.168.1.10', '1.1.1.1', 17, packets.udp(1, 53, Buffer.alloc(8)));
    inject(run, 'n1', ...vxlanTransport(run, nodeOf(run, 'n1'), nodeOf(run, 'n2'), inner));
    const result = await judgeRun(run);
    expect(pairOf(result, 'n1', 'n2').observation).toBe('mixed');
    expect(pairOf(result, 'n1', 'n3').observation).toBe('encrypted');
  });

  test("a node's own address is the node's, also where a pod network has it (host encryption)", async () => {
    const run = makeRun();
    for (const { name, address } of run.record.nodes)
      run.record.podNetworks.push({ cidr: `${address}/32`, node: name });
    expect((await judgeRun(run)).verdict).toBe('pass');
  });

  test('bytes that only resemble the header of a pod are no leak', async () => {
    const run = makeRun();
    const like = packets.ipv4('192.168.1.10', '192.168.2.10', 17, Buffer.alloc(8));
    like.writeUInt16BE(like.readUInt16BE(10) ^ 1, 10);
    inject(run, 'n1', between(nodeOf(run, 'n1'), nodeOf(run, 'n2'), 17, packets.udp(7, 7777, like)));
    expect((await judgeRun(run)).verdict).toBe('pass');
  });

  test('what is plaintext by design is reported, and spoils nothing', async () => {
    const run = makeRun();
    const { macAddress, address } = nodeOf(run, 'n1');
    const gateway = '02:42:ac:12:00:01';
    const datagram = packets.udp(1, 2, Buffer.alloc(8));
    const send = (from: string, to: string) =>
      packets.frameOf(macAddress, gateway, packets.ipv4(from, to, 17, datagram));
    inject(run, 'n1', send(address, '172.18.0.3'), send('192.168.1.10', '172.18.0.3'), send('192.168.1.10', '1.1.1.1'));
    inject(run, 'n1', send(address, '9.9.9.9'));
    const solicitation = packets.ipv6(
      'fe80:0:0:0:0:0:0:1',
      'ff02:0:0:0:0:0:0:1',
      58,
      Buffer.from([135, ...Array(23).fill(0)]),
    );
    inject(run, 'n1', packets.frameOf(macAddress, '33:33:00:00:00:01', solicitation));
    const result = await judgeRun(run);
    expect(result.verdict).toBe('pass');
    expect(Object.fromEntries(result.outOfScope.map((o) => [o.what, o.packets]))).toEqual({
      link: 4,
      'node-to-node': 1,
      'pod-to-node': 1,
      'pod-to-outside': 1,
      other: 1,
    });
  });

  test('where both directions were captured, what arrived is left to the tap of its sender', async () => {
    const run = makeRun();
    const [n1, n2] = [nodeOf(run, 'n1'), nodeOf(run, 'n2')];
    for (const { inner } of conversation(run, probeOf(run, 'n1', 'n2'))) {
      // As IPsec shows it on the receiver: decrypted, with the sender's MAC address.
      inject(run, 'n2', packets.frameOf(n1.macAddress, n2.macAddress, inner));
    }
    expect((await judgeRun(run)).verdict).toBe('fail');
    tapRecordOf(run, 'n2').direction = 'both';
    const result = await judgeRun(run);
    expect(result.verdict).toBe('pass');
    expect(result.outOfScope).toContainEqual({ what: 'received', packets: 9, note: expect.any(String) });
  });
});
