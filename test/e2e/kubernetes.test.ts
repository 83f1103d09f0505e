import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../src/proof/result.ts';
import { Kubectl } from './support/kubectl.ts';
import { whyNoFaults } from './support/requirements.ts';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

/**
 * The engine `kubernetes` on real packets: an embedded lab is the cluster that is there already, and is reached through its
 * Kubernetes API alone.
 */
const why = whyNoFaults();
if (why) process.stderr.write(`engine kubernetes is not tried: ${why}\n`);

const A = 'wireguard-worker';
const B = 'wireguard-worker2';
const CONTROL = 'wireguard-control-plane';
const IMAGE = ['--probe-image', 'wglab/host-tools'];

describe.skipIf(why)('engine kubernetes', { timeout: 120_000 }, () => {
  let cluster: Home;
  let home: Home;
  let kubectl: Kubectl;

  beforeAll(async () => {
    cluster = new Home();
    home = new Home();
    await cluster.expects(0, ['deploy', '--engine', 'embedded']);
    kubectl = new Kubectl('kubectl', kubeconfig(), cluster.folder);
  });

  afterAll(async () => {
    await home.dispose();
    await cluster.dispose();
  });

  const kubeconfig = () => join(cluster.folder, 'wireguard', 'kubeconfig');
  const deploy = (name: string, ...args: string[]) => ['deploy', '--name', name, '--kubeconfig', kubeconfig(), ...args];
  const verify = async (status: number, ...args: string[]): Promise<VerifyResult> =>
    JSON.parse((await home.expects(status, ['verify', ...args, '-o', 'json'])).stdout);

  /** Returns every object of the cluster that a person can get and that a lab in the same cluster must not change. */
  async function everything() {
    const { items } = JSON.parse(await kubectl.told('get all,configmaps,felixconfigurations -A -o json'));
    return items
      .map(({ kind, metadata, spec, status }: { [field: string]: Record<string, unknown> }) => ({
        kind,
        name: `${metadata?.namespace}/${metadata?.name}`,
        uid: metadata?.uid,
        spec: kind === ('FelixConfiguration' as unknown) ? undefined : spec,
        podIP: status?.podIP,
        restarts: JSON.stringify(status?.containerStatuses ?? []).match(/"restartCount":\d+/g),
      }))
      .sort((a: { uid: string }, b: { uid: string }) => (a.uid < b.uid ? -1 : 1));
  }

  async function namespaces(): Promise<string[]> {
    return (await kubectl.told('get namespaces -o name')).split('\n').filter((name) => name.includes('wglab-'));
  }

  it('goes the whole way from probes to proof, finds a fault, and leaves the cluster as it was', async () => {
    const before = await everything();
    const { stderr } = await home.expects(0, deploy('real', '--engine', 'kubernetes', ...IMAGE));
    const announced = stderr.indexOf('namespace wglab-real');
    expect(announced, stderr).toBeGreaterThan(-1);
    expect(announced).toBeLessThan(stderr.indexOf('Making the namespace'));
    expect(stderr).toMatch(/CNI Calico, encryption off/);
    const copy = join(home.folder, 'real', 'kubeconfig');
    expect(statSync(copy).mode & 0o777).toBe(0o600);

    const plain = await verify(0, 'real', '--expect', 'plaintext');
    expect(plain.engine).toBe('kubernetes');
    expect(plain.pairs).toHaveLength(6);
    const felix = await kubectl.told('get felixconfiguration default -o json');
    expect(JSON.parse(felix).spec.wireguardEnabled ?? false).toBe(false);
    await home.expects(0, ['encrypt', 'on', 'real']);
    const encrypted = await verify(0, 'real', '--expect', 'encrypted');
    expect(encrypted.verdict).toBe('pass');

    await cluster.expects(0, ['exec', A, '--', 'ip', 'rule', 'del', 'pref', '99']);
    const leaking = await verify(1, 'real', '--expect', 'encrypted');
    const leaks = leaking.pairs.filter(({ plaintextPackets }) => plaintextPackets > 0);
    expect(leaks.filter(({ from }) => from === A)).toHaveLength(2);
    // The answers of A's pod to datagrams quote them: readable, too.
    expect(leaks.filter(({ from, to }) => from !== A && to !== A)).toEqual([]);
    await cluster.expects(0, [
      'exec',
      A,
      '--',
      'ip',
      'rule',
      'add',
      'not',
      'fwmark',
      '0x200000/0x200000',
      'pref',
      '99',
      'table',
      '1',
    ]);

    await home.expects(0, ['encrypt', 'off', 'real']);
    await verify(0, 'real', '--expect', 'plaintext');
    await home.expects(0, ['destroy', 'real']);
    expect(await namespaces()).toEqual([]);
    expect(existsSync(copy)).toBe(false);
    expect(await everything()).toEqual(before);
    await cluster.expects(0, ['verify', '--expect', 'plaintext']);
  });

  it('is audited: probes, verdict, a report that checks with sha256sum, and nothing left in the cluster', async () => {
    const before = await everything();
    const report = join(home.folder, 'reports/plain');
    const audit = (...args: string[]) => ['audit', '--kubeconfig', kubeconfig(), ...IMAGE, '--report', report, ...args];
    const { stderr: unasked } = await home.expects(2, audit());
    expect(unasked).toContain('--yes');
    expect(existsSync(report)).toBe(false);
    const { stdout } = await home.expects(1, audit('--yes', '-o', 'json'));
    expect(await namespaces()).toEqual([]);
    expect(await everything()).toEqual(before);
    const said = JSON.parse(stdout);
    const { schema, run } = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8'));
    expect([schema, run.claim, run.verdict, run.engine]).toEqual(['wglab-report/1', 'encrypted', 'fail', 'kubernetes']);
    expect([said.verdict, said.digest]).toEqual(['fail', run.evidence.digest]);
    expect(run.cluster.kubeSystemUid).toBe(await kubectl.told('get namespace kube-system -o jsonpath={.metadata.uid}'));
    execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: report });
    await home.expects(1, ['verify', '--from', join(report, 'evidence')]);
    const { stderr: full } = await home.expects(2, audit('--yes'));
    expect(full).toContain('is not empty');
    expect(await namespaces()).toEqual([]);
  });

  it.each([/Making the namespace/, /Looking for the tools/])(
    'is left as it was by an audit that is interrupted after %s',
    async (line) => {
      const report = join(home.folder, 'reports', line.source.slice(0, 6));
      const command = home.start(['audit', '--kubeconfig', kubeconfig(), ...IMAGE, '--report', report, '--yes']);
      await command.prints(line);
      process.kill(command.pid, 'SIGINT');
      expect((await command.ended).status).toBe(130);
      expect(await namespaces()).toEqual([]);
      // If the run had ended already, the report is whole.
      if (existsSync(report)) execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: report });
    },
  );

  it('leaves nodes that were not chosen out of the claim, and says so; a chosen one without a probe is missed', async () => {
    const selector = `kubernetes.io/hostname in (${A}, ${B})`;
    const { stderr } = await home.expects(0, deploy('some', '--nodes', selector, ...IMAGE));
    expect(stderr).toContain(
      `Out of scope, so that nothing is said of traffic with them: ${CONTROL}: it was not chosen (--nodes ${selector})`,
    );
    const plain = await verify(0, 'some', '--expect', 'plaintext');
    expect(plain.unprobed).toEqual([]);
    expect(plain.pairs.map(({ from, to, observation }) => `${from} ${to} ${observation}`).sort()).toEqual([
      `${A} ${B} plaintext`,
      `${B} ${A} plaintext`,
    ]);
    expect(plain.summary).toContain(`Nothing is said of ${CONTROL}: not chosen.`);
    expect(plain.outOfScope[0]).toMatchObject({ what: 'not-chosen', nodes: [CONTROL] });
    const { stdout } = await home.expects(0, ['verify', 'some', '--from', plain.evidence]);
    expect(stdout).toContain(`not chosen: ${CONTROL}, `);
    const { status, stderr: refused } = await home.run(['exec', '--lab', 'some', CONTROL, '--', 'true']);
    expect([status, refused]).toEqual([4, expect.stringContaining('cannot be probed: it was not chosen')]);
    await home.expects(0, ['encrypt', 'on', 'some']);
    expect((await verify(0, 'some', '--expect', 'encrypted')).pairs).toHaveLength(2);
    // On this engine nothing can be sent from pods, so that links are left that only `verify` can judge.
    const diagnosed = JSON.parse((await home.expects(3, ['diagnose', 'some', '-o', 'json'])).stdout);
    expect(diagnosed.unprobed).toEqual([{ node: CONTROL, reason: expect.stringContaining('it was not chosen') }]);
    await home.expects(0, ['encrypt', 'off', 'some']);
    // A pod that goes away is missed as well, and one that comes back is found.
    await kubectl.told(`delete pod -n wglab-some -l wglab.dev/role=probe --field-selector spec.nodeName=${A} --wait`);
    await kubectl.told('rollout status -n wglab-some daemonset/probe');
    await home.expects(0, ['exec', '--lab', 'some', A, '--', 'true']);
    await kubectl.told('delete daemonset -n wglab-some probe --cascade=orphan');
    await kubectl.told(`delete pod -n wglab-some -l wglab.dev/role=probe --field-selector spec.nodeName=${B} --wait`);
    const blind = await verify(3, 'some', '--expect', 'plaintext');
    expect(blind.unprobed).toEqual([{ node: B, reason: expect.stringContaining('no probe pod') }]);
    expect(blind.pairs.map(({ observation }) => observation)).toEqual(['inconclusive', 'inconclusive']);
    await home.expects(0, ['destroy', 'some']);
    expect(await namespaces()).toEqual([]);
  });

  it('looks at a stated sample where that is asked for, any node in it or not', async () => {
    await home.expects(0, deploy('sample', ...IMAGE));
    const result = await verify(0, 'sample', '--pairs', '2', '--expect', 'plaintext');
    expect(result.pairs).toHaveLength(2);
    expect(result.taps).toHaveLength(2);
    expect(result.sampledOf).toBe(6);
    expect(result.summary).toContain('a sample: 2 of 6 pairs');
    expect((await verify(0, 'sample', '--pairs', 'all', '--expect', 'plaintext')).pairs).toHaveLength(6);
    await home.expects(0, ['destroy', 'sample']);
  });

  it('verifies next to traffic through the API without losing a packet, and reaches the pods of workloads', async () => {
    await home.expects(0, deploy('beside', ...IMAGE));
    await home.expects(0, ['encrypt', 'on', 'beside']);
    const stream = ['exec', '--lab', 'beside', A, '--', 'sh', '-c', 'while :; do head -c 1000000 /dev/zero; done'];
    const streaming = home.start(stream, { stdio: ['ignore', 'ignore', 'ignore'] });
    const result = await verify(0, 'beside', '--expect', 'encrypted');
    streaming.child.kill('SIGKILL');
    await streaming.ended;
    expect(result.taps.map(({ dropped }) => dropped)).toEqual([0, 0, 0]);
    const record = JSON.parse(readFileSync(join(result.evidence, 'record.json'), 'utf8'));
    const reached = record.furtherPods.map(({ pod }: { pod: { name: string } }) => pod.name);
    for (const workload of ['frontend', 'backend']) {
      expect(reached.some((name: string) => name.startsWith(workload))).toBe(true);
    }
    await home.expects(0, ['encrypt', 'off', 'beside']);
    await home.expects(0, ['destroy', 'beside']);
  });

  it('carries 50 MB of any bytes through exec unharmed', async () => {
    await home.expects(0, deploy('bytes', ...IMAGE));
    const size = 50 * 1024 * 1024;
    const key = '00112233445566778899aabbccddeeff';
    const stream = `openssl enc -aes-128-ctr -K ${key} -iv ${key} < /dev/zero 2> /dev/null | head -c ${size}`;
    const running = home.start(['exec', '--lab', 'bytes', A, '--', 'sh', '-c', stream], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const hash = createHash('sha256');
    let bytes = 0;
    running.child.stdout?.removeAllListeners('data');
    running.child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      bytes += text.length;
      hash.update(text, 'latin1');
    });
    expect((await running.ended).status).toBe(0);
    const cipher = createCipheriv('aes-128-ctr', Buffer.from(key, 'hex'), Buffer.from(key, 'hex'));
    expect(bytes).toBe(size);
    expect(hash.digest('hex')).toBe(
      createHash('sha256')
        .update(cipher.update(Buffer.alloc(size)))
        .digest('hex'),
    );
    await home.expects(0, ['destroy', 'bytes']);
  });

  it('says within seconds which pod cannot start, and takes all of it away again', async () => {
    const began = performance.now();
    const { stderr } = await home.expects(5, deploy('stuck', '--probe-image', 'registry.invalid/no/such:1'));
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(stderr).toMatch(/pod wglab-stuck\/probe-\w+ cannot start: ErrImagePull/);
    expect(await namespaces()).toEqual([]);
  });

  it('leaves a namespace alone that it did not make', async () => {
    await kubectl.told('create namespace wglab-taken');
    const { stderr } = await home.expects(2, deploy('taken', ...IMAGE));
    expect(stderr).toContain('which this lab did not make');
    await home.expects(0, ['destroy', 'taken']);
    expect(await namespaces()).toEqual(['namespace/wglab-taken']);
    await kubectl.told('delete namespace wglab-taken');
    await home.expects(0, deploy('taken', ...IMAGE));
    await kubectl.told('delete namespace wglab-taken');
    await kubectl.told('create namespace wglab-taken');
    await home.expects(0, ['destroy', 'taken']);
    expect(await namespaces()).toEqual(['namespace/wglab-taken']);
    await kubectl.told('delete namespace wglab-taken');
  });

  it.each([/Looking at the cluster/, /wglab creates/, /Making the namespace/, /Looking for the tools/])(
    'is removed by destroy when deploy was killed right after %s',
    async (line) => {
      const running = home.start(deploy('killed', ...IMAGE));
      await running.prints(line);
      running.child.kill('SIGKILL');
      await running.ended;
      await home.expects(0, ['destroy', 'killed']);
      expect(await namespaces()).toEqual([]);
      expect(existsSync(join(home.folder, 'killed'))).toBe(false);
    },
  );

  it('is removed by the next deploy of that name, on any engine', async () => {
    const running = home.start(deploy('again', ...IMAGE));
    await running.prints(/Making the namespace/);
    running.child.kill('SIGSTOP');
    // In small steps, or it might be done before anybody has seen the namespace.
    await until('its namespace to be there', async () => {
      if ((await namespaces()).length > 0) return true;
      running.child.kill('SIGCONT');
      await delay(2);
      running.child.kill('SIGSTOP');
      return false;
    });
    running.child.kill('SIGKILL');
    await running.ended;
    await home.expects(0, ['deploy', '--name', 'again', '--engine', 'embedded']);
    expect(await namespaces()).toEqual([]);
    await home.expects(0, ['destroy', 'again']);
  });

  it('says that a cluster does not answer, and still lists and keeps the lab', async () => {
    const other = new Home();
    try {
      await other.expects(0, ['deploy', '--engine', 'embedded']);
      const theirs = join(other.folder, 'wireguard', 'kubeconfig');
      await home.expects(0, ['deploy', '--name', 'lost', '--kubeconfig', theirs, ...IMAGE]);
      await other.destroy();
      const { stderr } = await home.expects(5, ['destroy', 'lost']);
      expect(stderr).toContain(`rm -r ${join(home.folder, 'lost')}`);
      const { stdout } = await home.expects(0, ['labs', '-o', 'json']);
      const deployment = JSON.parse(stdout).deployments.find(({ name }: { name: string }) => name === 'lost');
      expect(deployment).toMatchObject({ stands: false, problem: expect.stringContaining('does not answer') });
      expect(readFileSync(join(home.folder, 'lost', 'engine.json'), 'utf8')).toContain('wglab-lost');
    } finally {
      await other.dispose();
    }
  });
});
