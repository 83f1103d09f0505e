import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Home } from '../e2e/support/wglab.ts';
import { startApiLab } from '../kube-api/support/api-lab.ts';
import { ToolFolder } from '../operations/tool-folder.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A home in a folder that any user may write to. No test here gets as far as a lab. */
function newHome(as: readonly string[], environment: NodeJS.ProcessEnv = {}): Home {
  const folder = mkdtempSync(join(tmpdir(), 'wglab-doctor-'));
  folders.push(folder);
  chmodSync(folder, 0o777);
  return new Home({ folder: join(folder, 'home'), as, environment: { HOME: folder, ...environment } });
}

function expectEmpty({ folder }: Home): void {
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
}

/**
 * Runs a command where user namespaces are forbidden for real: in a user namespace of the user's own whose limit is 0, and with
 * no capability in it.
 */
const FORBIDDEN = [
  ...['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c'],
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all "$@"',
  'sh',
];
const AS_USER = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];

const homeWithoutNamespaces = () => newHome([...AS_USER, ...FORBIDDEN]);

describe('where user namespaces are forbidden', () => {
  test('doctor says so, with the command that allows them', async () => {
    const { stdout } = await homeWithoutNamespaces().expects(4, ['doctor', '-o', 'json']);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: false, engines: [{ engine: 'embedded', ok: false }, {}, {}] });
    expect(report.engines[0].checks).toContainEqual({
      name: 'namespaces',
      ok: false,
      seen: 'the kernel is set to forbid them: user.max_user_namespaces = 0',
      needed: expect.stringContaining('you are not root'),
      remedy: 'sudo sysctl -w user.max_user_namespaces=28633',
      fix: { commands: [['sysctl', '-w', 'user.max_user_namespaces=28633']] },
    });
  });

  test('deploy says the same, and leaves nothing', async () => {
    const home = homeWithoutNamespaces();
    const { stderr, stdout } = await home.expects(4, ['deploy']);
    expect(stderr).toContain('this machine gives wglab no user namespaces');
    expect(stderr).toMatch(/^try: .*sudo sysctl -w user.max_user_namespaces=28633/m);
    expect(stdout).toBe('');
    expectEmpty(home);
  });
});

test.each(['ip', 'tcpdump', 'wg', 'busybox'])(
  'deploy without %s names it and its package, and leaves nothing',
  async (name) => {
    using tools = new ToolFolder([name]);
    const home = newHome([], { PATH: tools.folder });
    const { stderr } = await home.expects(4, ['deploy']);
    expect(stderr).toMatch(new RegExp(`error: this machine lacks ${name} \\(package [a-z0-9-]+\\)`));
    expectEmpty(home);
  },
);

test('doctor tells a person each gap and how to close all of them', async () => {
  using tools = new ToolFolder(['tcpdump', 'bridge']);
  tools.script('apt-get', 'exit 1');
  tools.link('node', realpathSync(process.execPath));
  const home = newHome([], { PATH: tools.folder });
  const { stdout, stderr } = await home.expects(4, ['doctor']);
  expect(stdout).toContain('embedded: cannot run here');
  expect(stdout).toMatch(
    /✗ tcpdump +not on PATH\n +needs tcpdump, of the package tcpdump\n +try: (sudo )?apt-get install/,
  );
  expect(stdout).toMatch(/✓ wg +\//);
  expect(stderr).toMatch(
    /All missing packages at once: (sudo )?apt-get install -y --no-install-recommends iproute2 tcpdump\n/,
  );
  expect(stderr).toContain('wglab doctor --fix');
});

test('a cluster of the person is mentioned in one line, and looked at closely where it is asked for', async () => {
  const home = newHome([], { KUBECONFIG: '' });
  const { stdout } = await home.run(['doctor']);
  expect(stdout).toMatch(
    /\n\nkubernetes: no kubeconfig \(\S+\); wglab doctor --engine kubernetes --kubeconfig FILE .*\n$/,
  );

  const { stderr } = await home.expects(2, ['doctor', '--engine', 'embedded', '--context', 'x']);
  expect(stderr).toContain('--kubeconfig and --context are for the engine kubernetes, not for embedded');

  const api = await startApiLab();
  try {
    const args = ['doctor', '--engine', 'kubernetes', '--kubeconfig', api.kubeconfig];
    const text = (await home.expects(0, args)).stdout;
    expect(text).toMatch(/^kubernetes: can be used from here\n/);
    expect(text).toMatch(/\n {2}! rights +this cluster does not tell/);
    const { ok, engines } = JSON.parse((await home.expects(0, [...args, '-o', 'json'])).stdout);
    expect({ ok, names: engines.map(({ engine }: { engine: string }) => engine) }).toEqual({
      ...{ ok: true, names: ['kubernetes'] },
    });
  } finally {
    await api.close();
  }
  expectEmpty(home);
});

test("an ordinary user's PATH, without the sbin folders, is enough", async () => {
  const home = newHome(AS_USER, { PATH: '/usr/local/bin:/usr/bin:/bin' });
  const { stdout } = await home.run(['doctor', '-o', 'json']);
  const names = JSON.parse(stdout).engines[0].checks.filter(({ seen }: { seen: string }) => seen === 'not on PATH');
  expect(names.filter(({ name }: { name: string }) => name !== 'kubectl')).toEqual([]);
});
