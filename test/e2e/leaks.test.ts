import { afterAll, describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../src/proof/result.ts';
import { FAULT_MS, faultsIn, pair, story } from './support/fault-case.ts';
import { all, type Undo, withNft } from './support/faults.ts';
import { A, B, CONTROL, type TestLab } from './support/lab.ts';
import { LabPool } from './support/lab-pool.ts';
import { whyNoFaults } from './support/requirements.ts';
import { overSecondWire, overTheWire, type WayPast, withWayPast } from './support/ways-past.ts';

const reason = whyNoFaults();
if (reason) process.stderr.write(`leaks.test.ts is skipped: ${reason}\n`);

const pool = new LabPool(2);
const fault = faultsIn(pool);

/** A way past the tunnel from A for what goes to B's probe pod and fits the words of `ip rule`. */
async function past(lab: TestLab, way: Promise<WayPast>, ...rule: string[]): Promise<Undo> {
  const [{ address }, open] = await Promise.all([lab.pod(B), way]);
  return withWayPast(lab, A, address, open, rule);
}

/** Marks what A's probe pod sends, if the words of nft fit. */
async function marked(lab: TestLab, matching: string, mark: string): Promise<Undo> {
  const { device } = await lab.pod(A);
  const rule = `iifname "${device}" ${matching} meta mark set ${mark}`;
  return withNft(lab, A, 'ip choose', 'prerouting priority mangle', rule);
}

/** A pod in kube-system on one node, which nobody talks to. */
async function systemPod(lab: TestLab, node: string): Promise<{ address: string; undo: Undo }> {
  const overrides = JSON.stringify({ spec: { nodeName: node, terminationGracePeriodSeconds: 0 } });
  const named = ['-n', 'kube-system', 'pod/quiet'];
  const command = ['--', 'sleep', '3600'];
  await lab.kubectl('run', 'quiet', '-n', 'kube-system', '--image=busybox', `--overrides=${overrides}`, ...command);
  await lab.kubectl('wait', '--for=condition=Ready', ...named, '--timeout=40s');
  const address = await lab.kubectl('get', ...named, '-o', 'jsonpath={.status.podIP}');
  return { address, undo: () => lab.kubectl('delete', ...named, '--wait', '--timeout=40s') };
}

/** Only the way from A to B is readable, or also what B's answers quote of it. */
function leaksFromAToB(result: VerifyResult): void {
  expect(pair(result, A, B).plaintextPackets).toBeGreaterThan(0);
  const others = result.pairs.filter(({ from, to }) => from === CONTROL || to === CONTROL);
  expect(others.map(({ observation }) => observation)).toEqual(others.map(() => 'encrypted'));
}

/** Nothing is readable anywhere, and yet nobody can say that A's packets to B are encrypted. */
function unseenFromAToB(result: VerifyResult): void {
  expect(result.pairs.every(({ plaintextPackets }) => plaintextPackets === 0)).toBe(true);
  expect(pair(result, A, B)).toMatchObject({ observation: 'inconclusive', delivered: true });
  const others = result.pairs.filter(({ from, to }) => from === CONTROL || to === CONTROL);
  expect(others.map(({ observation }) => observation)).toEqual(others.map(() => 'encrypted'));
}

describe.skipIf(reason !== undefined)('verify while a part of the traffic goes past the tunnel', () => {
  afterAll(() => pool.destroyAll());

  it.concurrent(
    'passes while a pod streams through the tunnel, or names the packets that a busy machine dropped',
    { timeout: FAULT_MS },
    () =>
      pool.use(async (lab) => {
        const [source, sink] = await Promise.all([lab.workload('backend'), lab.workload('frontend')]);
        const ends = 'echo ready; read -r _; killall nc dd sleep';
        const undo = all([
          await lab.helper(sink.name, 'sh', '-c', `sleep 600 | nc -l -p 7000 > /dev/null & ${ends}`),
          await lab.helper(source.name, 'sh', '-c', `dd if=/dev/zero bs=64k | nc "$0" 7000 & ${ends}`, sink.address),
        ]);
        const { status, result } = await lab.verify('encrypted');
        await undo?.();
        const { packets = 0, dropped = 0 } = result.taps.find(({ node }) => node === source.node) ?? {};
        // Other tests run on the same processors: what the kernel drops then must never be a pass.
        const isTooBusy = result.taps.some((tap) => (tap.dropped ?? 0) > 0);
        expect(status, story(result)).toBe(isTooBusy ? 3 : 0);
        if (!isTooBusy) expect(dropped).toBe(0);
        expect(packets).toBeGreaterThan(1_000);
        return 'as it was';
      }),
  );

  describe('on the wire, where the tap sees it', () => {
    fault('UDP alone', {
      bring: (lab) => past(lab, overTheWire(lab, B), 'ipproto', 'udp'),
      status: 1,
      check: leaksFromAToB,
    });

    fault('ICMP alone', {
      bring: (lab) => past(lab, overTheWire(lab, B), 'ipproto', 'icmp'),
      status: 1,
      check: leaksFromAToB,
    });

    fault('packets of more than 1,400 bytes alone, which carry the mark of WireGuard itself', {
      bring: (lab) => marked(lab, 'meta length > 1400', '0x200000'),
      status: 1,
      check(result) {
        const leaks = result.pairs.filter(({ plaintextPackets }) => plaintextPackets > 0);
        expect(new Set(leaks.map(({ from }) => from))).toContain(A);
      },
    });

    fault('what carries a mark', {
      bring: async (lab) =>
        all([await marked(lab, 'ip protocol tcp', '0x77'), await past(lab, overTheWire(lab, B), 'fwmark', '0x77')]),
      status: 1,
      check: leaksFromAToB,
    });

    fault('one port alone', {
      async bring(lab) {
        const { address, undo } = await systemPod(lab, B);
        const way = await overTheWire(lab, B);
        return all([undo, await withWayPast(lab, A, address, way, ['ipproto', 'udp', 'dport', '9'])]);
      },
      status: 1,
      check: leaksFromAToB,
    });

    fault('one pod of kube-system alone', {
      async bring(lab) {
        const { address, undo } = await systemPod(lab, B);
        return all([undo, await withWayPast(lab, A, address, await overTheWire(lab, B), [])]);
      },
      status: 1,
      check: leaksFromAToB,
    });

    fault("with the node's own address for source (NAT)", {
      async bring(lab) {
        const [{ device, address }, way] = await Promise.all([lab.pod(A), overTheWire(lab, B)]);
        const masquerade = `oifname "eth0" ip saddr ${address} masquerade`;
        return all([
          await withNft(lab, A, 'ip hide', 'postrouting priority srcnat', masquerade, '', 'nat'),
          await past(lab, Promise.resolve(way), 'iif', device),
        ]);
      },
      status: 1,
      check(result) {
        expect(pair(result, A, B).plaintextPackets).toBeGreaterThan(0);
      },
    });
  });

  describe('on a second wire, where no tap is', () => {
    fault('all that the probe sends, while other pods use the tunnel', {
      async bring(lab) {
        const { address } = await lab.workload('frontend');
        const talk = 'ping -q -i 0.1 "$0" > /dev/null & echo ready; read -r _; kill $!';
        const backend = await lab.workload('backend');
        return all([
          await past(lab, overSecondWire(lab, A, B)),
          await lab.helper(backend.name, 'sh', '-c', talk, address),
        ]);
      },
      status: 3,
      check: unseenFromAToB,
    });

    fault('UDP alone', {
      bring: (lab) => past(lab, overSecondWire(lab, A, B), 'ipproto', 'udp'),
      status: 3,
      check: unseenFromAToB,
    });

    fault('TCP alone', {
      bring: (lab) => past(lab, overSecondWire(lab, A, B), 'ipproto', 'tcp'),
      status: 3,
      check: unseenFromAToB,
    });

    fault('packets of more than 1,400 bytes alone', {
      bring: async (lab) =>
        all([
          await marked(lab, 'meta length > 1400', '0x77'),
          await past(lab, overSecondWire(lab, A, B), 'fwmark', '0x77'),
        ]),
      status: 3,
      check: unseenFromAToB,
    });

    fault('one pod of kube-system alone', {
      async bring(lab) {
        const { address, undo } = await systemPod(lab, B);
        return all([undo, await withWayPast(lab, A, address, await overSecondWire(lab, A, B), [])]);
      },
      status: 3,
      check(result) {
        expect(result.summary).toContain('kube-system/quiet');
        expect(result.pairs.every(({ plaintextPackets }) => plaintextPackets === 0)).toBe(true);
      },
    });

    fault('as the WireGuard of others: the same ports, other keys', {
      async bring(lab) {
        const [from, to] = await Promise.all([lab.address(A), lab.address(B)]);
        const talk = await lab.helper(A, 'perl', '-e', FOREIGN_WIREGUARD, from, to);
        return all([talk, await past(lab, overSecondWire(lab, A, B))]);
      },
      status: 3,
      check(result) {
        expect(pair(result, A, B).observation).toBe('inconclusive');
      },
    });
  });
});

/** Sends random bytes as data messages of a session that nobody has, from WireGuard's port to WireGuard's port. */
const FOREIGN_WIREGUARD = `use IO::Socket::INET; use IO::Select; use Socket qw(SOCK_RAW AF_INET inet_aton sockaddr_in);
socket(my $raw, AF_INET, SOCK_RAW, 17) or die $!;
bind($raw, sockaddr_in(0, inet_aton($ARGV[0]))) or die $!;
open(my $random, '<', '/dev/urandom') or die $!;
$| = 1; print "ready\\n";
my $input = IO::Select->new(\\*STDIN);
for (my $counter = 0; !$input->can_read(0.005); $counter++) {
  read($random, my $bytes, 16 * (4 + int rand 70));
  my $message = pack('V V Q<', 4, 0x1badcafe, $counter) . $bytes;
  send($raw, pack('n n n n', 51820, 51820, 8 + length $message, 0) . $message, 0, sockaddr_in(0, inet_aton($ARGV[1])));
}`;
