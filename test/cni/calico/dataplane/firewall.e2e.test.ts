import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firewallState, ruleHashes } from '../../../../src/cni/calico/dataplane/firewall.ts';
import { firewallChanges, readFirewall } from '../../../../src/cni/calico/dataplane/firewall-changes.ts';
import { clusters, labView } from './clusters.ts';

const WORKER = 'wireguard-worker';

describe('hashes', () => {
  // As seen on clusters with Calico: published outputs of iptables-save.
  it.each([
    ['INPUT', ['--jump cali-INPUT'], 'Cz_u1IQiXIMmKD4c'],
    ['POSTROUTING', ['--jump cali-POSTROUTING'], 'O3lYWMrLQYEMJtB5'],
  ])('are those that Calico has in %s', (chain, rules, hash) => {
    expect(ruleHashes(chain, rules)).toEqual([hash]);
  });

  it('are those that Calico has in cali-POSTROUTING with VXLAN and WireGuard', () => {
    const { chains } = firewallState(labView({}, true), WORKER);
    const rules = chains.find(({ name }) => name === 'cali-POSTROUTING')?.rules ?? [];
    const seen = ['Z-c7XtVd2Bq7s_hA', 'nYKhEzDlr11Jccal', 'e9dnSgSVNmIcpVhP', 'kgfCOPW4UKtzMAmO'];
    expect(ruleHashes('cali-POSTROUTING', rules)).toEqual(seen);
  });
});

describe('what a node should have', () => {
  const text = (wireguard: boolean) => JSON.stringify(firewallState(labView({}, wireguard), WORKER));

  it('accepts WireGuard where it is on, and VXLAN from the other nodes alone', () => {
    expect(text(true)).toMatch(/Allow incoming IPv4 Wireguard packets.*Allow outgoing IPv4 Wireguard packets/);
    expect(text(false)).not.toMatch(/wireguard/i);
    for (const peer of ['172.18.0.2', '172.18.0.4']) expect(text(false)).toContain(`--source ${peer} `);
    expect(text(false)).not.toContain('172.18.0.3');
  });

  it('holds back nothing: it only marks, accepts and masquerades', () => {
    fc.assert(
      fc.property(clusters, (view) => {
        expect(JSON.stringify(firewallState(view, 'node-0'))).not.toMatch(/DROP|REJECT|QUEUE/);
      }),
    );
  });

  it('is nothing where the cluster does not have the node', () => {
    expect(firewallState(labView(), 'other')).toEqual({ chains: [], hooks: [] });
  });
});

describe("in the kernel's tables", () => {
  let node: ChildProcess;
  const run = (argv: string[], input = '') =>
    execFileSync('nsenter', ['--target', String(node.pid), '--net', '--', ...argv], { input, encoding: 'utf8' });
  const saved = () => run(['iptables-save']);
  const bring = (state: ReturnType<typeof firewallState>) => {
    const input = firewallChanges(readFirewall(saved()), state);
    if (input) run(['iptables-restore', '--noflush', '--wait', '5'], input);
    return input;
  };

  beforeAll(async () => {
    node = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep infinity']);
    await new Promise((resolve) => node.stdout?.once('data', resolve));
  });
  afterAll(() => node.kill('SIGKILL'));

  it('any state follows any other in one go, and then nothing differs; what is not of Felix stays', () => {
    const foreign = ['-A INPUT -p tcp -m tcp --dport 9 -j ACCEPT', '-A POSTROUTING -o lo -j ACCEPT'];
    run(['iptables', ...(foreign[0] ?? '').split(' ')]);
    run(['iptables', '-t', 'nat', ...(foreign[1] ?? '').split(' ')]);
    fc.assert(
      fc.property(clusters, (view) => {
        const wanted = firewallState(view, 'node-0');
        bring(wanted);
        expect(bring(wanted)).toBe('');
        for (const rule of foreign) expect(saved().split('\n')).toContain(rule);
      }),
      { numRuns: 12 },
    );
    bring({ chains: [], hooks: [] });
    expect(saved()).not.toContain('cali');
  });

  it('repairs what somebody changed: a rule gone, a rule too many, a call that is not the first', () => {
    const wanted = firewallState(labView({}, true), WORKER);
    bring(wanted);
    const right = saved().replace(/^#.*\n/gm, '');
    run(['iptables', '-D', 'cali-INPUT', '1']);
    run(['iptables', '-A', 'cali-OUTPUT', '-j', 'DROP']);
    run(['iptables', '-t', 'raw', '-F', 'OUTPUT']);
    run(['iptables', '-I', 'INPUT', '-j', 'DROP']);
    bring(wanted);
    const mended = saved();
    expect(mended).toMatch(/-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT\n-A INPUT -j DROP/);
    run(['iptables', '-D', 'INPUT', '-j', 'DROP']);
    expect(saved().replace(/^#.*\n/gm, '')).toBe(right);
  });
});
