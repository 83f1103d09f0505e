import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../src/proof/result.ts';
import {
  CUTS_SHORT,
  DROPS,
  ENDS_AT_ONCE,
  ENDS_HALF_WAY,
  FILTERS,
  KILLED_HALF_WAY,
  ON_LOOPBACK,
  ON_VXLAN,
  ON_WIREGUARD,
  SAYS_DROPPED,
} from './support/fake-tcpdump.ts';
import { FAULT_MS, faultsIn, pair, story } from './support/fault-case.ts';
import {
  all,
  type Undo,
  withLeak,
  withNft,
  withoutOffload,
  withoutRoute,
  withoutRule,
  withSink,
  withWireguard,
} from './support/faults.ts';
import { A, B, CONTROL, parsed, type Ran, TestLab, verifyFrom } from './support/lab.ts';
import { LabPool } from './support/lab-pool.ts';
import { mirrorsHere, withTee, withVxlanMirror } from './support/mirror.ts';
import { whyNoFaults } from './support/requirements.ts';

const execFileAsync = promisify(execFile);
const reason = whyNoFaults();
if (reason) process.stderr.write(`proof.test.ts is skipped: ${reason}\n`);
else process.stderr.write(`${mirrorsHere()}\n`);

/** All pods but the agents of Calico, of which every node has one. */
const WORKLOADS = 'k8s-app!=calico-node';
const pool = new LabPool(3);

const fault = faultsIn(pool);

/**
 * The observations of some pairs, in their order; `others` are those of the other pairs, each once. What a pod answers to datagrams
 * quotes them: where such an answer leaks, the way back is readable too. So it is not among the others.
 */
function observations(result: VerifyResult, ...pairs: [string, string][]) {
  const named = new Set(pairs.map(([from, to]) => pair(result, from, to)));
  const back = new Set(pairs.map(([from, to]) => pair(result, to, from)));
  const others = result.pairs.filter((one) => !named.has(one) && !back.has(one));
  return {
    pairs: [...named].map(({ observation }) => observation),
    others: [...new Set(others.map(({ observation }) => observation))],
  };
}

/** Checks that no marker of a pair is in one piece in what a tap captured: only put together they can be found. */
async function expectSplit(result: VerifyResult, from: string, to: string): Promise<void> {
  const record = JSON.parse(await readFile(join(result.evidence, 'record.json'), 'utf8'));
  const probe = record.probes.find((one: { from: string; to: string }) => one.from === from && one.to === to);
  const capture = await readFile(join(result.evidence, 'taps', `${from}.pcap`));
  expect(capture.includes(record.markers[probe.request])).toBe(false);
  expect(pair(result, from, to).markerPackets).toBeGreaterThan(0);
}

describe.skipIf(reason !== undefined)('verify --expect encrypted', () => {
  afterAll(() => pool.destroyAll());

  describe('fails (1) if traffic is in plaintext', () => {
    fault(
      'the ip rule missing on one node: all that it sends is readable, and nothing that it gets but what it quotes',
      {
        bring: (lab) => withoutRule(lab, A),
        status: 1,
        check(result) {
          expect(observations(result, [A, B], [A, CONTROL])).toEqual({
            pairs: ['plaintext', 'plaintext'],
            others: ['encrypted'],
          });
          expect(result.summary).toMatch(/of 6 pairs.*packets of pods in plaintext.*markers/);
          expect(pair(result, A, B)).toMatchObject({ delivered: true, ciphertextPackets: 0 });
          expect(
            result.excerpts.some(({ kind, description }) => kind === 'plaintext' && /vxlan/i.test(description)),
          ).toBe(true);
        },
      },
    );

    fault('the route to one block missing in table 1', {
      bring: (lab) => withoutRoute(lab, A, B),
      status: 1,
      check(result) {
        expect(observations(result, [A, B])).toEqual({ pairs: ['plaintext'], others: ['encrypted'] });
        expect(pair(result, A, B).reason).toMatch(/in plaintext.*no ciphertext/);
      },
    });

    fault('one pod reached past every tunnel, in one direction only', {
      async bring(lab) {
        const [{ address }, gateway] = await Promise.all([lab.pod(B), lab.address(B)]);
        await lab.onNode(A, 'ip route add "$1" via "$2" dev eth0 onlink table 1', `${address}/32`, gateway);
        return () => lab.onNode(A, 'ip route del "$1" table 1', `${address}/32`);
      },
      status: 1,
      check(result) {
        const [there] = observations(result, [A, B]).pairs;
        // The answers to B's pod go past the tunnel too: whether anything else goes through it in the window is chance.
        expect(there).toMatch(/^(plaintext|mixed)$/);
        expect(pair(result, B, A)).toMatchObject({ delivered: true });
        expect(pair(result, A, B).markerPackets).toBeGreaterThan(0);
      },
    });

    fault('one pod that the probes do not talk to, reached past every tunnel, while others talk to it', {
      async bring(lab) {
        const [frontend, backend] = await Promise.all([lab.workload('frontend'), lab.workload('backend')]);
        const route = ['via', await lab.address(frontend.node), 'dev', 'eth0', 'onlink', 'table', '1'];
        await lab.onNode(backend.node, 'ip route add "$@"', `${frontend.address}/32`, ...route);
        const talk = 'ping -q -i 0.1 "$0" > /dev/null & echo ready; read -r _; kill $!';
        return all([
          () => lab.onNode(backend.node, 'ip route del "$1" table 1', `${frontend.address}/32`),
          await lab.helper(backend.name, 'sh', '-c', talk, frontend.address),
        ]);
      },
      status: 1,
      check(result) {
        const leak = result.pairs.find(({ plaintextPackets }) => plaintextPackets > 0);
        expect(leak).toMatchObject({ observation: 'mixed', delivered: true, markerPackets: 0 });
        expect(leak?.reason).toMatch(/packets? of pods in plaintext, next to .* of ciphertext/);
        expect(result.pairs.filter(({ observation }) => observation === 'encrypted')).toHaveLength(5);
      },
    });

    fault('one pod that nobody talks to, reached past every tunnel', {
      async bring(lab) {
        const [frontend, backend] = await Promise.all([lab.workload('frontend'), lab.workload('backend')]);
        const from = [A, B, CONTROL].find((node) => node !== frontend.node && node !== backend.node) ?? '';
        const route = ['via', await lab.address(frontend.node), 'dev', 'eth0', 'onlink', 'table', '1'];
        await lab.onNode(from, 'ip route add "$@"', `${frontend.address}/32`, ...route);
        return () => lab.onNode(from, 'ip route del "$1" table 1', `${frontend.address}/32`);
      },
      status: 1,
      check(result) {
        const leaks = result.pairs.filter(({ plaintextPackets }) => plaintextPackets > 0);
        expect(leaks).toHaveLength(1);
        expect(leaks[0]).toMatchObject({ observation: 'mixed', delivered: true, markerPackets: 0 });
      },
    });

    fault('encryption off on one of the nodes', {
      async bring(lab) {
        const spec = { wireguardEnabled: false };
        const kind = { apiVersion: 'crd.projectcalico.org/v1', kind: 'FelixConfiguration' };
        const file = join(lab.folder, 'off.json');
        await writeFile(file, JSON.stringify({ ...kind, metadata: { name: `node.${A}` }, spec }));
        await lab.kubectl('apply', '-f', file);
        const untilPeers = (node: string, count: number) =>
          lab.onNode(
            node,
            'until [ "$(wg show wireguard.cali peers 2> /dev/null | wc -l)" = "$1" ]; do :; done',
            `${count}`,
          );
        await Promise.all([untilPeers(A, 0), untilPeers(B, 1), untilPeers(CONTROL, 1)]);
        return undefined;
      },
      status: 1,
      check(result) {
        expect(observations(result, [B, CONTROL], [CONTROL, B])).toEqual({
          pairs: ['encrypted', 'encrypted'],
          others: ['plaintext'],
        });
        expect(result.summary).toMatch(/4 of 6 pairs.*in plaintext/);
      },
    });
  });

  describe('fails (1) if copies of encrypted traffic are in plaintext', () => {
    const mixed =
      (...pairs: [string, string][]) =>
      (result: VerifyResult) => {
        expect(observations(result, ...pairs)).toEqual({ pairs: pairs.map(() => 'mixed'), others: ['encrypted'] });
        const [[from, to] = ['', '']] = pairs;
        expect(pair(result, from, to).reason).toMatch(/in plaintext.*markers of this run.*next to .* of ciphertext/);
      };

    fault('a mirror of what a pod sends, to a third node', {
      async bring(lab) {
        const { device, address } = await lab.pod(A);
        return withTee(lab, A, device, address, CONTROL);
      },
      status: 1,
      check: mixed([A, B], [A, CONTROL]),
    });

    fault('a mirror of what WireGuard has decrypted, at the receiving node', {
      bring: async (lab) => withTee(lab, B, 'wireguard.cali', (await lab.pod(A)).address, CONTROL),
      status: 1,
      check: mixed([A, B]),
    });

    fault('a mirror inside a VXLAN of its own', {
      bring: async (lab) => withVxlanMirror(lab, A, (await lab.pod(A)).device, CONTROL),
      status: 1,
      check: mixed([A, B], [A, CONTROL]),
    });

    fault('whole packets in UDP 51820', {
      bring: (lab) => withLeak(lab, A, B, 'packet', 51820),
      status: 1,
      check: mixed([A, B], [A, CONTROL]),
    });

    fault('text alone in UDP 51820', {
      bring: (lab) => withLeak(lab, A, B, 'text', 51820),
      status: 1,
      check: mixed([A, B], [A, CONTROL]),
    });

    fault('text in UDP 51820 behind the header of WireGuard', {
      bring: (lab) => withLeak(lab, A, B, 'wireguard', 51820),
      status: 1,
      check: mixed([A, B], [A, CONTROL]),
    });

    fault('text in IP fragments', {
      bring: (lab) => withLeak(lab, A, B, 'fragments', 4000),
      status: 1,
      async check(result) {
        mixed([A, B], [A, CONTROL])(result);
        await expectSplit(result, A, B);
      },
    });

    fault("text in small TCP segments between the nodes' own addresses", {
      async bring(lab) {
        const small = 'tcp sport 4001 tcp flags & syn == syn tcp option maxseg size set 48';
        return all([
          await withoutOffload(lab, A),
          await withNft(lab, A, 'ip clamp', 'input priority 0', small),
          await withSink(lab, B, 4001),
          await withLeak(lab, A, B, 'stream', 4001),
        ]);
      },
      status: 1,
      async check(result) {
        mixed([A, B], [A, CONTROL])(result);
        await expectSplit(result, A, B);
      },
    });
  });

  describe('fails (1) if traffic in plaintext is hard to read', () => {
    /** The pods' VXLAN on WireGuard's port, from A to B: rewritten on its way out, and back on its way in. */
    async function onWireguardPort(lab: TestLab, dress: string, undress: string): Promise<Undo> {
      const [from, to] = await Promise.all([lab.address(A), lab.address(B)]);
      const out = `ip daddr ${to} udp dport 4789 ${dress} udp checksum set 0 udp sport set 51820 udp dport set 51820`;
      const back = `ip saddr ${from} udp dport 51820 ${undress} udp dport set 4789`;
      return all([
        await withNft(lab, B, 'ip undress', 'prerouting priority raw', back),
        await withNft(lab, A, 'ip dress', 'postrouting priority 100', out),
        await withoutRoute(lab, A, B),
      ]);
    }
    const readable = (result: VerifyResult) => {
      expect(observations(result, [A, B])).toEqual({ pairs: ['plaintext'], others: ['encrypted'] });
      expect(pair(result, A, B)).toMatchObject({ delivered: true, ciphertextPackets: 0 });
    };

    fault('VXLAN on UDP 51820', {
      bring: (lab) => onWireguardPort(lab, '', '@th,64,8 8'),
      status: 1,
      check: readable,
    });

    fault('VXLAN on UDP 51820 with the type of a WireGuard data message', {
      bring: (lab) =>
        onWireguardPort(lab, '@th,64,32 set 0x04000000', '@th,64,64 0x0400000000100000 @th,64,32 set 0x08000000'),
      status: 1,
      check: readable,
    });

    fault('markers split across TCP segments', {
      async bring(lab) {
        const clamp = 'tcp flags & syn == syn tcp option maxseg size set 48';
        return all([
          await withoutOffload(lab, A),
          await withNft(lab, A, 'ip clamp', 'forward priority 0', clamp),
          await withoutRoute(lab, A, B),
        ]);
      },
      status: 1,
      async check(result) {
        readable(result);
        await expectSplit(result, A, B);
      },
    });

    fault('markers split across IP fragments', {
      async bring(lab) {
        const to = await lab.address(B);
        // 96 bytes a fragment: in the middle of the marker, behind the headers of UDP, VXLAN, Ethernet, IP and TCP (82 bytes).
        await lab.onNode(A, 'ip route add "$1" dev eth0 mtu 120', `${to}/32`);
        const whole = () => lab.onNode(A, 'ip route del "$1" dev eth0', `${to}/32`);
        return all([whole, await withoutRoute(lab, A, B)]);
      },
      status: 1,
      async check(result) {
        readable(result);
        await expectSplit(result, A, B);
      },
    });
  });

  describe('is inconclusive (3) if a capture cannot be trusted', () => {
    const A_IS_DEAF: [string, string][] = [
      [A, B],
      [B, A],
      [A, CONTROL],
      [CONTROL, A],
    ];
    const tap = (name: string, behaviour: string, words: RegExp) =>
      fault(`tcpdump on one node ${name}`, {
        bring: (lab) => lab.tcpdumpOn(A, behaviour),
        status: 3,
        check(result) {
          expect(observations(result, ...A_IS_DEAF)).toEqual({
            pairs: A_IS_DEAF.map(() => 'inconclusive'),
            others: ['encrypted'],
          });
          for (const [from, to] of A_IS_DEAF) expect(pair(result, from, to).reason).toMatch(words);
          expect(result.summary).toMatch(/cannot be said for 4 of 6 pairs/);
        },
      });

    tap('ends at once', ENDS_AT_ONCE, /tcpdump did not start on wireguard-worker: .*permission/);
    tap('ends half-way', ENDS_HALF_WAY, /tcpdump on wireguard-worker ended before it was stopped/);
    tap('is killed half-way', KILLED_HALF_WAY, /tcpdump on wireguard-worker ended before it was stopped/);
    tap('captures on the loopback', ON_LOOPBACK, /wireguard-worker captured nothing|wrong interface/);
    tap('captures on the VXLAN device', ON_VXLAN, /wireguard-worker captured nothing|wrong interface/);
    tap('captures on the WireGuard device', ON_WIREGUARD, /control packet.*wrong interface/);
    tap('says that packets were dropped', SAYS_DROPPED, /kernel dropped 3 packets of the tap on wireguard-worker/);
    tap('drops packets', DROPS, /kernel dropped \d+ packets of the tap on wireguard-worker/);
    tap('cuts packets short', CUTS_SHORT, /cut \d+ packets short/);

    fault('tcpdump with a filter that hides what is in plaintext', {
      bring: async (lab) => all([await withoutRoute(lab, A, B), await lab.tcpdumpOn(A, FILTERS)]),
      status: 3,
      check(result) {
        expect(observations(result, [A, B])).toEqual({ pairs: ['inconclusive'], others: ['encrypted'] });
        expect(pair(result, A, B).reason).toMatch(/neither plaintext nor ciphertext left wireguard-worker/);
      },
    });

    const CONTROL_PACKETS = 'udp dport 9 drop';
    const EGRESS = 'egress device "eth0" priority 0';
    fault('the control packet blocked by a firewall', {
      bring: (lab) => withNft(lab, A, 'ip block', 'output priority 0', CONTROL_PACKETS),
      status: 3,
      check(result) {
        expect(observations(result, ...A_IS_DEAF)).toMatchObject({ others: ['encrypted'] });
        expect(pair(result, A, B).reason).toMatch(/control packet/);
        expect(result.taps.map(({ controlSeen }) => controlSeen)).toEqual([true, false, true]);
      },
    });

    fault('the control packet lost silently on its way to one node', {
      async bring(lab) {
        const to = await lab.address(B);
        return withNft(lab, A, 'netdev lose', EGRESS, `ip daddr ${to} ${CONTROL_PACKETS}`);
      },
      status: 3,
      check(result) {
        expect(observations(result, [A, B], [B, A])).toEqual({
          pairs: ['inconclusive', 'inconclusive'],
          others: ['encrypted'],
        });
        expect(pair(result, A, B).reason).toMatch(
          /did not capture its control packet to wireguard-worker2 before.*blocked/,
        );
      },
    });

    fault('only the closing control packets lost', {
      bring: (lab) =>
        withNft(
          lab,
          A,
          'netdev lose',
          EGRESS,
          // Once a message of the run's own has gone to the node: nobody else sends large ones.
          'udp dport 51820 udp length > 1400 add @probed { ip daddr }\nudp dport 9 ip daddr @probed drop',
          'set probed { type ipv4_addr; size 16; flags dynamic; }',
        ),
      status: 3,
      check: (result) =>
        expect(pair(result, A, B).reason).toMatch(/did not capture its control packet.*after the traffic/),
    });
  });

  describe('is inconclusive (3) if nothing is delivered', () => {
    const undelivered = (result: VerifyResult) => {
      expect(pair(result, A, B)).toMatchObject({ observation: 'inconclusive', delivered: false, plaintextPackets: 0 });
      expect(pair(result, A, B).reason).toMatch(/nothing was delivered from wireguard-worker to wireguard-worker2/);
      expect(observations(result, [B, CONTROL], [CONTROL, B]).pairs).toEqual(['encrypted', 'encrypted']);
    };
    const broken = (name: string, script: string, peer: string) =>
      fault(name, {
        async bring(lab) {
          const key = await lab.onNode(peer, 'wg show wireguard.cali public-key');
          await withWireguard(lab, A, script, key);
          return undefined; // WireGuard waits before it tries a handshake again: a new lab is there sooner
        },
        status: 3,
        check: undelivered,
      });

    broken('a peer removed', 'wg set wireguard.cali peer "$1" remove', B);
    broken('the allowed IPs of a peer cut', 'wg set wireguard.cali peer "$1" allowed-ips 192.0.2.0/24', B);
    broken('a wrong key', 'wg genkey | wg set wireguard.cali private-key /dev/stdin', B);

    fault('the only pods on one node', {
      async bring(lab) {
        const nodeSelector = { 'kubernetes.io/hostname': A };
        await lab.kubectl('scale', 'deployment', '--all', '--replicas=0');
        const patch = JSON.stringify({ spec: { template: { spec: { nodeSelector } } } });
        await lab.kubectl('patch', 'daemonset', 'nc', '-n', 'nc', '--type=merge', '-p', patch);
        await lab.kubectl('rollout', 'status', 'daemonset', 'nc', '-n', 'nc', '--timeout=40s');
        await lab.kubectl(
          'wait',
          'pods',
          '--for=delete',
          '-A',
          '-l',
          WORKLOADS,
          '--field-selector',
          `spec.nodeName!=${A}`,
          '--timeout=40s',
        );
        return undefined;
      },
      status: 3,
      check(result) {
        expect(observations(result)).toEqual({ pairs: [], others: ['inconclusive'] });
        expect(pair(result, A, B).reason).toMatch(/no ready pod runs on/);
        expect(result.problems.map(({ node }) => node).sort()).toEqual([CONTROL, B]);
      },
    });

    fault('no pods at all', {
      async bring(lab) {
        await lab.kubectl('scale', 'deployment', '--all', '--replicas=0');
        await lab.kubectl('delete', 'daemonset', 'nc', '-n', 'nc');
        await lab.kubectl('wait', 'pods', '--for=delete', '-A', '-l', WORKLOADS, '--timeout=40s');
        return undefined;
      },
      status: 3,
      check(result) {
        expect(observations(result)).toEqual({ pairs: [], others: ['inconclusive'] });
        for (const one of result.pairs) expect(one.reason).toMatch(/no ready pod runs on/);
      },
    });
  });

  describe('is inconclusive (3) if ciphertext is not for the keys that the nodes publish', () => {
    fault('a key that only the peers know of', {
      async bring(lab) {
        const old = await lab.onNode(A, 'wg show wireguard.cali public-key');
        await lab.onNode(A, 'wg genkey | wg set wireguard.cali private-key /dev/stdin');
        const key = await lab.onNode(A, 'wg show wireguard.cali public-key');
        const address = await lab.address(A);
        const swap = `ips=$(wg show wireguard.cali allowed-ips | awk -v k="$1" '$1 == k { $1 = ""; gsub(" ", ","); print substr($0, 2) }')
          wg set wireguard.cali peer "$1" remove peer "$2" endpoint "$3:51820" allowed-ips "$ips"`;
        await Promise.all([B, CONTROL].map((node) => lab.onNode(node, swap, old, key, address)));
        return undefined;
      },
      status: 3,
      check(result) {
        expect(observations(result, [B, CONTROL], [CONTROL, B])).toEqual({
          pairs: ['encrypted', 'encrypted'],
          others: ['inconclusive'],
        });
        expect(pair(result, A, B)).toMatchObject({ delivered: true });
        expect(pair(result, A, B).reason).toMatch(/publishes another key/);
      },
    });

    fault('a copy in hexadecimal behind the header of WireGuard', {
      bring: (lab) => withLeak(lab, A, B, 'hex', 51820),
      status: 3,
      check(result) {
        expect(observations(result, [A, B])).toEqual({ pairs: ['inconclusive'], others: ['encrypted'] });
        expect(pair(result, A, B).reason).toMatch(/on WireGuard's ports are not WireGuard/);
      },
    });
  });

  it.concurrent('passes (0) five times in a row, and contradicts a claim of plaintext (1)', { timeout: FAULT_MS }, () =>
    pool.use(async (lab) => {
      for (let run = 0; run < 5; run++) {
        const { status, result } = await lab.verify('encrypted');
        expect(status, story(result)).toBe(0);
        expect(result).toMatchObject({ lab: lab.name, engine: 'embedded', expect: 'encrypted', verdict: 'pass' });
        expect(result.pairs).toHaveLength(6);
        expect(result.taps.every(({ dropped, controlSeen }) => dropped === 0 && controlSeen)).toBe(true);
      }
      const { status, result } = await lab.verify('plaintext');
      expect(status).toBe(1);
      expect(result.summary).toMatch(/"plaintext" fails for all 6 pairs.*ciphertext/);
      return 'as it was';
    }),
  );
});

describe.skipIf(reason !== undefined)('evidence that is kept', () => {
  let folder: string;
  const evidence = (name: string) => join(folder, name);

  /** One lab, verified before and after encryption, and destroyed. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wglab-evidence-'));
    const lab = await TestLab.deploy();
    try {
      const before = await lab.verify('plaintext', '--evidence', evidence('plain'));
      expect(before.status, story(before.result)).toBe(0);
      const wrong = await lab.verify('encrypted');
      expect(wrong.status).toBe(1);
      expect(wrong.result.summary).toMatch(/"encrypted" fails for all 6 pairs.*in plaintext/);
      await lab.must('encrypt', 'on', lab.name);
      const after = await lab.verify('encrypted', '--evidence', evidence('encrypted'));
      expect(after.status, story(after.result)).toBe(0);
      expect(parsed(await verifyFrom(evidence('encrypted'))).result).toEqual(after.result);
      const leaky = await withoutRoute(lab, A, B);
      const leak = await lab.verify('encrypted', '--evidence', evidence('leak'));
      expect(leak.status, story(leak.result)).toBe(1);
      await leaky?.();
      await Promise.all(
        [before, after, leak].map(({ result }, i) => writeFile(evidence(`${i}.json`), JSON.stringify(result))),
      );
    } finally {
      await lab.destroy();
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has the same verdict without the lab', async () => {
    for (const [i, [name, status]] of (
      [
        ['plain', 0],
        ['encrypted', 0],
        ['leak', 1],
      ] as const
    ).entries()) {
      const again = parsed(await verifyFrom(evidence(name)));
      expect(again.status).toBe(status);
      expect(again.result).toEqual(JSON.parse(await readFile(evidence(`${i}.json`), 'utf8')));
    }
  });

  it('is judged by another claim if one is given', async () => {
    expect((await verifyFrom(evidence('plain'), '--expect', 'encrypted')).status).toBe(1);
    expect((await verifyFrom(evidence('encrypted'), '--expect', 'plaintext')).status).toBe(1);
    expect((await verifyFrom(evidence('leak'), '--expect', 'plaintext')).status).toBe(1);
  });

  /** Damages a copy of the evidence that passes; `seal` then makes the digests fit, as anybody can. */
  async function damaged(
    damage: (folder: string) => Promise<unknown>,
    seal?: (folder: string) => Promise<unknown>,
  ): Promise<Ran> {
    const copy = await mkdtemp(join(folder, 'damaged-'));
    await cp(evidence('encrypted'), copy, { recursive: true });
    await damage(copy);
    await seal?.(copy);
    return verifyFrom(copy);
  }
  async function sealAgain(copy: string): Promise<void> {
    const record = JSON.parse(await readFile(join(copy, 'record.json'), 'utf8'));
    for (const tap of record.taps) {
      const bytes = await readFile(join(copy, tap.file)).catch(() => undefined);
      tap.sha256 = bytes ? createHash('sha256').update(bytes).digest('hex') : null;
      tap.size = bytes?.length ?? null;
    }
    await writeFile(join(copy, 'record.json'), JSON.stringify(record));
    await execFileAsync('sh', ['-c', 'sha256sum record.json verdict.json README.txt taps/* > SHA256SUMS'], {
      cwd: copy,
    });
  }
  const pcap = (copy: string, node = A) => join(copy, 'taps', `${node}.pcap`);
  const reasons = (ran: Ran) =>
    parsed(ran)
      .result.pairs.map((one) => one.reason)
      .join('\n');

  // biome-ignore lint/suspicious/noExplicitAny: it is about records that are not as they should be
  const edited = (edit: (record: any) => unknown) =>
    damaged(async (copy) => {
      const path = join(copy, 'record.json');
      const record = JSON.parse(await readFile(path, 'utf8'));
      edit(record);
      await writeFile(path, JSON.stringify(record));
      await execFileAsync('sh', ['-c', 'sha256sum record.json verdict.json README.txt taps/* > SHA256SUMS'], {
        cwd: copy,
      });
    });

  it('does not pass with a capture that is missing, empty, cut or not its own', async () => {
    const half = async (copy: string) => truncate(pcap(copy), Math.floor((await readFile(pcap(copy))).length / 2));
    const cases: [string, (copy: string) => Promise<unknown>, RegExp][] = [
      ['missing', (copy) => rm(pcap(copy)), /the capture of wireguard-worker is not whole: .*ENOENT/],
      ['empty', (copy) => truncate(pcap(copy)), /the capture of wireguard-worker is not whole/],
      ['cut in a packet', half, /it ends in the middle of a packet/],
      ['cut by a packet', withoutLastPacket, /captured \d+ packets, but its file holds \d+|control packet/],
      ['of another node', (copy) => cp(pcap(copy, B), pcap(copy)), /wrong interface/],
      ['no capture', (copy) => writeFile(pcap(copy), 'this is no capture'), /is not whole/],
    ];
    for (const [name, damage, words] of cases) {
      const changed = await damaged(damage);
      expect(changed.status, name).toBe(3);
      expect(parsed(changed).result.summary, name).toContain(`taps/${A}.pcap`);
      const ran = await damaged(damage, sealAgain);
      expect(ran.status, name).toBe(3);
      expect(reasons(ran), name).toMatch(words);
    }
  });

  it('does not pass with a record that was changed', async () => {
    const edits: [string, Parameters<typeof edited>[0], RegExp][] = [
      ['a lost packet', (r) => (r.taps[1].droppedByKernel = 1), /kernel dropped 1 packets/],
      ['a dead tap', (r) => (r.taps[1].exit = 'died'), /ended before it was stopped/],
      ['a missing tap', (r) => r.taps.pop(), /no tap ran on/],
      ['a missing probe', (r) => r.probes.pop(), /no connection was made/],
      ['a probe that failed', (r) => (r.probes[0].delivered = false), /nothing was delivered/],
      ['more delivered than sent', (r) => (r.probes[0].sentBytes *= 100), /fewer than/],
      ['a missing control', (r) => r.controls.pop(), /no control packet was sent/],
      ['another control', (r) => (r.markers[r.controls[0].open] = 'x'.repeat(48)), /control packet/],
      ['another address', (r) => (r.nodes[0].address = '172.18.0.99'), /control packet|neither plaintext/],
      ['other networks of pods', (r) => (r.podNetworks = []), /is in no pod network/],
      ['keys swapped', swapKeys, /key/],
      [
        'no counters',
        (r) => {
          for (const node of r.nodes) node.wireguard.peers = null;
        },
        /tie the ciphertext to the key|handshake/,
      ],
      ['a problem', (r) => r.problems.push({ node: null, message: 'something was odd' }), /something was odd/],
    ];
    for (const [name, edit, words] of edits) {
      const ran = await edited(edit);
      expect(ran.status, name).toBe(3);
      expect(reasons(ran), name).toMatch(words);
    }
  });

  it('is refused (2) if it is no record at all', async () => {
    const edits: [string, Parameters<typeof edited>[0]][] = [
      ['an unknown field', (r) => (r.verdict = 'pass')],
      ['an unknown format', (r) => (r.format = 3)],
      ['a marker that is missing', (r) => delete r.markers[r.probes[0].request]],
      ['a capture from elsewhere', (r) => (r.taps[0].file = '../elsewhere.pcap')],
      ['a delivery of nothing', (r) => (r.probes[0].sentBytes = 0)],
    ];
    for (const [name, edit] of edits) {
      const ran = await edited(edit);
      expect(ran.status, name).toBe(2);
      expect(ran.stdout, name).toBe('');
      expect(ran.stderr, name).toMatch(/not a record of a verification/);
    }
    const { status, stderr } = await damaged((copy) => rm(join(copy, 'record.json')));
    expect(status).toBe(2);
    expect(stderr).toMatch(/is no evidence folder/);
  });

  async function withoutLastPacket(copy: string): Promise<void> {
    const bytes = await readFile(pcap(copy));
    let [last, next] = [24, 24];
    while (next < bytes.length) [last, next] = [next, next + 16 + bytes.readUInt32LE(next + 8)];
    await truncate(pcap(copy), last);
  }

  // biome-ignore lint/suspicious/noExplicitAny: see edited
  function swapKeys({ nodes: [one, other] }: any): void {
    [one.wireguard.publicKey, other.wireguard.publicKey] = [other.wireguard.publicKey, one.wireguard.publicKey];
  }

  it('holds what the lab was: captures, record, and nothing else', async () => {
    const names = await readdir(evidence('encrypted'));
    expect(names.sort()).toEqual(['README.txt', 'SHA256SUMS', 'record.json', 'taps', 'verdict.json']);
  });
});
