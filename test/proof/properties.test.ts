import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeRecord } from '../../src/proof/record.ts';
import * as packets from './packets.ts';
import {
  conversation,
  judgeRun,
  makeRun,
  marker,
  nodeOf,
  pairOf,
  probeOf,
  type Run,
  tapOf,
  tapRecordOf,
  vxlanOn,
  vxlanTransport,
} from './run.ts';

const NODES = ['n1', 'n2', 'n3'];
const node = fc.constantFrom(...NODES);
const address = fc.ipV4();
const macAddress = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?=.)/g, '$&:'),
);

/** Any way of putting bytes into a frame. */
const wrapping = fc.oneof(
  fc.record({ source: macAddress, destination: macAddress, type: fc.integer({ min: 0, max: 0xffff }) }).map(
    ({ source, destination, type }) =>
      (data: Buffer) =>
        packets.ethernet(source, destination, type, data),
  ),
  fc.record({ source: macAddress, from: address, to: address, port: fc.constantFrom(53, 4789, 6081, 51820, 9999) }).map(
    ({ source, from, to, port }) =>
      (data: Buffer) =>
        packets.frameOf(source, '02:42:ac:12:00:63', packets.ipv4(from, to, 17, packets.udp(51820, port, data))),
  ),
  fc.record({ from: node, to: node, fake: fc.boolean() }).map(({ from, to, fake }) => (data: Buffer, run: Run) => {
    const content = fake ? packets.wireguardData(1, 1, 0, data) : data;
    const [a, b] = [nodeOf(run, from), nodeOf(run, to)];
    const ip = packets.ipv4(a.address, b.address, 17, packets.udp(51820, 51820, content));
    return packets.frameOf(a.macAddress, b.macAddress, ip);
  }),
);

describe('a leak', () => {
  test('a frame with a marker of the traffic, anywhere in any run that would pass, makes it fail', async () => {
    const base = makeRun();
    const ids = base.record.probes.flatMap((p) => [p.request, p.reply]);
    const surroundings = fc.uint8Array({ maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ids),
        node,
        wrapping,
        fc.tuple(surroundings, surroundings),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (id, at, wrap, [before, after], position) => {
          const run = copy(base);
          const tap = tapOf(run, at);
          const frame = wrap(Buffer.concat([before, marker(run, id), after]), run);
          tap.splice(Math.floor(position * tap.length), 0, frame);
          expect((await judgeRun(run)).verdict).toBe('fail');
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a packet of pods without a marker does so as well, whatever it is wrapped in', async () => {
    const base = makeRun();
    await fc.assert(
      fc.asyncProperty(node, node, wrapping, fc.uint8Array({ maxLength: 40 }), async (from, to, wrap, before) => {
        fc.pre(from !== to);
        const run = copy(base);
        const [syn] = conversation(run, probeOf(run, from, to));
        if (syn) tapOf(run, from).push(wrap(Buffer.concat([before, syn.inner]), run));
        const result = await judgeRun(run);
        expect(result.verdict).toBe('fail');
        expect(pairOf(result, from, to).plaintextPackets).toBe(1);
      }),
      { numRuns: 60 },
    );
  });
});

/** Each takes one precondition of `encrypted` for n1 to n2 away, and nothing else. */
const removals: [string, (run: Run) => void][] = [
  ['the connection is not delivered', (run) => Object.assign(probeOf(run, 'n1', 'n2'), { delivered: false })],
  ['there is no connection', (run) => remove(run.record.probes, probeOf(run, 'n1', 'n2'))],
  ['there is no tap on the sender', (run) => removeTap(run, 'n1')],
  ['there is no tap on the receiver', (run) => removeTap(run, 'n2')],
  ...(['n1', 'n2'] as const).flatMap((name): [string, (run: Run) => void][] => [
    [`tcpdump died on ${name}`, (run) => Object.assign(tapRecordOf(run, name), { exit: 'died' })],
    [`the kernel dropped a packet on ${name}`, (run) => Object.assign(tapRecordOf(run, name), { droppedByKernel: 1 })],
    [`drops are not known on ${name}`, (run) => Object.assign(tapRecordOf(run, name), { droppedByKernel: null })],
    [
      `captured packets are not known on ${name}`,
      (run) => Object.assign(tapRecordOf(run, name), { packetsCaptured: null }),
    ],
    [`the file of ${name} lacks packets`, (run) => Object.assign(tapRecordOf(run, name), { packetsCaptured: 4000 })],
    [`open control of ${name} missing`, (run) => dropControl(run, 'open', name)],
    [`close control of ${name} missing`, (run) => dropControl(run, 'close', name)],
    [`no control was sent by ${name}`, (run) => removeControl(run, name)],
    [`${name} has no WireGuard`, (run) => Object.assign(nodeOf(run, name), { wireguard: null })],
    [`${name} publishes no key`, (run) => change(run, name, { publicKey: null })],
    [`the device key of ${name} is not known`, (run) => change(run, name, { deviceKey: null })],
    [`${name} has another key than it publishes`, (run) => change(run, name, { deviceKey: someKey() })],
    [`${name} listens elsewhere`, (run) => change(run, name, { listenPort: 4242 })],
    [`${name} does not know the peer`, (run) => change(run, name, { peers: { before: [], after: [] } })],
    [`there is a problem on ${name}`, (run) => run.record.problems.push({ node: name, message: 'it smokes' })],
    [`pods of ${name} are in no network`, (run) => remove(run.record.podNetworks, networkOf(run, name))],
    [
      `the MAC address of ${name} is another`,
      (run) => Object.assign(nodeOf(run, name), { macAddress: '02:00:00:00:00:77' }),
    ],
    [`the counters of ${name} stand still`, (run) => freeze(nodeOf(run, name))],
  ]),
  ['there is a problem with all', (run) => run.record.problems.push({ node: null, message: 'it smokes' })],
  ['two nodes publish one key', (run) => change(run, 'n3', twinKey(run))],
  ['nothing ties the ciphertext to a key', (run) => untie(run)],
  ['more was delivered than was encrypted', (run) => Object.assign(probeOf(run, 'n1', 'n2'), { sentBytes: 200_000 })],
  [
    'the answers were more than was encrypted',
    (run) => Object.assign(probeOf(run, 'n2', 'n1'), { repliedBytes: 200_000 }),
  ],
  ['the ciphertext is gone', (run) => dropData(run)],
];

describe('encrypted', () => {
  test.each([true, false])(
    'the run from which things are taken passes (handshakes in the window: %s)',
    async (handshakes) => {
      expect((await judgeRun(makeRun({ handshakes }))).verdict).toBe('pass');
    },
  );

  test.each(removals)('is not said where %s', async (_name, spoil) => {
    const run = makeRun();
    spoil(run);
    const result = await judgeRun(run);
    const pair = pairOf(result, 'n1', 'n2');
    expect(pair.observation).toBe('inconclusive');
    expect(pair.reason).toMatch(/n[12]|it smokes|unexplained/);
    expect(result.verdict).toBe('inconclusive');
  });

  test('nor where the capture cut packets short', async () => {
    const result = await judgeRun(makeRun(), { snapLength: 400 });
    expect(result.verdict).toBe('inconclusive');
    expect(pairOf(result, 'n1', 'n2').reason).toContain('snap length');
  });

  test('nor plaintext, where any of what it needs of the taps and the delivery is missing', async () => {
    const needed = removals.filter(([name]) =>
      /deliver(?!ed than)|connection|tap|tcpdump|drop|captured|lacks|control|problem/.test(name),
    );
    expect(needed.length).toBeGreaterThan(20);
    for (const [name, spoil] of needed) {
      const run = makeRun({ transport: () => vxlanTransport, handshakes: false });
      spoil(run);
      expect(pairOf(await judgeRun(run, { expect: 'plaintext' }), 'n1', 'n2').observation, name).toBe('inconclusive');
      expect((await judgeRun(run)).verdict, name).toBe('fail');
    }
  });

  test('nor plaintext, where pods are seen but their marker is not read', async () => {
    const run = makeRun({
      transport: () => (r, from, to, inner) => [vxlanOn(4789, from, to, garbled(r, inner))],
      handshakes: false,
    });
    const pair = pairOf(await judgeRun(run, { expect: 'plaintext' }), 'n1', 'n2');
    expect(pair).toMatchObject({ observation: 'inconclusive', markerPackets: 0 });
    expect(pair.reason).toContain('the marker that was delivered could not be read');
  });
});

describe('files that are no captures', () => {
  test('never pass, and never crash', async () => {
    const base = makeRun({ nodes: 2 });
    const good = packets.pcap(tapOf(base, 'n1'));
    const spoilt = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([good.subarray(0, 24), bytes])),
      fc.integer({ min: 0, max: good.length - 1 }).map((length) => good.subarray(0, length)),
    );
    await fc.assert(
      fc.asyncProperty(spoilt, async (file) => {
        expect((await judgeRun(copy(base), { files: { n1: file } })).verdict).toBe('inconclusive');
      }),
      { numRuns: 80 },
    );
    expect((await judgeRun(copy(base), { files: { n1: null } })).verdict).toBe('inconclusive');
  });

  test('a leak in the part that can be read still counts', async () => {
    const run = makeRun();
    const { macAddress } = nodeOf(run, 'n1');
    tapOf(run, 'n1').splice(9, 0, packets.ethernet(macAddress, macAddress, 0x1234, marker(run, 'request n1 n3')));
    const whole = packets.pcap(tapOf(run, 'n1'));
    const result = await judgeRun(run, { files: { n1: whole.subarray(0, whole.length - 5) } });
    expect(pairOf(result, 'n1', 'n2').reason).toContain('it ends in the middle of a packet');
    expect(pairOf(result, 'n1', 'n3')).toMatchObject({ observation: 'inconclusive', markerPackets: 1 });
    expect(result.verdict).toBe('fail');
  });
});

function copy(run: Run): Run {
  return {
    record: structuredClone(run.record),
    taps: new Map([...run.taps].map(([name, frames]) => [name, [...frames]])),
  };
}

function remove<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.splice(list.indexOf(item), 1);
}

function removeTap(run: Run, name: string): void {
  remove(run.record.taps, tapRecordOf(run, name));
}

function removeControl(run: Run, name: string): void {
  run.record.controls = run.record.controls.filter(({ from }) => from !== name);
}

function dropControl(run: Run, kind: 'open' | 'close', from: string): void {
  const to = from === 'n1' ? 'n2' : 'n1';
  const tap = tapOf(run, from);
  remove(
    tap,
    tap.find((frame) => frame.includes(marker(run, `${kind} ${from} ${to}`))),
  );
}

function change(run: Run, name: string, fields: Partial<NonNullable<NodeRecord['wireguard']>>): void {
  const { wireguard } = nodeOf(run, name);
  if (wireguard) Object.assign(wireguard, fields);
}

function someKey(): string {
  return randomBytes(32).toString('base64');
}

function twinKey(run: Run) {
  const key = nodeOf(run, 'n2').wireguard?.publicKey ?? null;
  return { publicKey: key, deviceKey: key };
}

function networkOf(run: Run, name: string) {
  return run.record.podNetworks.find((n) => n.node === name && n.cidr.includes('/26'));
}

function freeze({ wireguard }: NodeRecord): void {
  if (wireguard?.peers) wireguard.peers.after = wireguard.peers.before;
}

/** Neither handshakes nor counters. */
function untie(run: Run): void {
  const without = makeRun({ handshakes: false });
  Object.assign(run, without);
  for (const { wireguard } of run.record.nodes) if (wireguard) wireguard.peers = null;
}

function dropData(run: Run): void {
  const tap = tapOf(run, 'n1');
  const kept = tap.filter((frame) => frame[42] !== 4 || frame.readUInt16BE(36) !== 51820);
  tap.splice(0, tap.length, ...kept);
}

/** The same packet with its marker turned around. */
function garbled(run: Run, inner: Buffer): Buffer {
  const changed = Buffer.from(inner);
  for (const value of Object.values(run.record.markers)) {
    const at = changed.indexOf(value);
    for (let i = at; at >= 0 && i < at + value.length; i++) changed[i] = (changed[i] ?? 0) ^ 0x15;
  }
  return changed;
}
