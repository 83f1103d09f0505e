import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { tryNamespaces } from '../../src/engine/embedded/doctor/namespaces.ts';
import { explainUnshareFailure, preflightEmbedded } from '../../src/engine/embedded/doctor/preflight.ts';
import { refusalOf } from '../../src/engine/embedded/doctor/refusal.ts';
import type { Check } from '../../src/machine/check.ts';
import { nodeCheck } from '../../src/machine/machine.ts';
import { EMBEDDED_TOOLS, findTool, systemPath } from '../../src/machine/tools.ts';
import { type DoctorReport, doctor, doctorFix } from '../../src/operations/doctor.ts';
import { ALL_TOOLS, ToolFolder } from './tool-folder.ts';

const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
const install = (...packages: string[]) => `apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/** The kernel's WireGuard makes wireguard-go superfluous. */
let inKernel = false;

beforeAll(async () => {
  vi.stubEnv('KUBECONFIG', '/nowhere/kubeconfig'); // a cluster of the person who runs this is none of our business
  inKernel = (await tryNamespaces()).kernel?.get('wireguard') === true;
});

afterAll(() => void vi.unstubAllEnvs());

const failing = ({ engines }: DoctorReport): Check[] =>
  engines
    .filter(({ engine }) => engine === 'embedded')
    .flatMap(({ checks }) => checks)
    .filter(({ ok }) => ok === false);

/** The message and remedy of what `work` throws, in one. */
async function said(work: Promise<unknown>): Promise<{ exitCode: number; message: string; remedy: string }> {
  return work.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (failure) => failure,
  );
}

describe('a machine that has all', () => {
  test('can run the engine, which says who does WireGuard', async () => {
    const report = await doctor();
    expect(failing(report)).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      engines: [{ engine: 'embedded', ok: true, dataplane: inKernel ? 'kernel' : 'userspace' }, {}, {}],
    });
    await preflightEmbedded();
    expect(await explainUnshareFailure()).toBeUndefined();
  });

  test('and needs no more of PATH than the tools that are named', async () => {
    using tools = new ToolFolder();
    tools.script('apt-get', 'exit 1');
    await tools.use(preflightEmbedded);
    const report = await tools.use(doctor);
    expect(failing(report)).toEqual([]);
    expect(report.engines[0]?.checks).toContainEqual(
      expect.objectContaining({ name: 'kubectl', ok: 'warning', seen: 'not on PATH' }),
    );
    expect(report.engines[0]?.checks).toContainEqual(
      expect.objectContaining({ name: 'iptables', ok: 'warning', remedy: expect.stringContaining('iptables') }),
    );
  });
});

describe('a machine that lacks', () => {
  test.each(EMBEDDED_TOOLS)('$name', async ({ name, package: origin }) => {
    using tools = new ToolFolder([name]);
    tools.script('apt-get', 'exit 1');
    const report = await tools.use(doctor);
    expect(report.ok).toBe(false);
    expect(failing(report)).toEqual([
      {
        name,
        ok: false,
        seen: 'not on PATH',
        needed: expect.stringContaining(`${name}, of the package ${origin}`),
        remedy: sudo + install(origin),
        fix: { packages: [origin] },
      },
    ]);
    const failure = await said(tools.use(preflightEmbedded));
    expect(failure).toMatchObject({
      exitCode: 4,
      message: `this machine lacks ${name} (package ${origin})`,
      remedy: sudo + install(origin),
    });
  });

  test('wireguard-go, which only a kernel without WireGuard needs', async () => {
    using tools = new ToolFolder(['wireguard-go']);
    const report = await tools.use(doctor);
    const preflight = tools.use(preflightEmbedded);
    if (inKernel) {
      await preflight;
      expect(report.ok).toBe(true);
    } else {
      expect(await said(preflight)).toMatchObject({
        exitCode: 4,
        message: 'this machine lacks wireguard-go (package wireguard-go)',
      });
      expect(report).toMatchObject({ ok: false, engines: [{ dataplane: null }, {}, {}] });
      expect(failing(report).map(({ name }) => name)).toEqual(['wireguard-go']);
    }
  });

  test('everything: one failure names all, and one command brings all', async () => {
    using tools = new ToolFolder(ALL_TOOLS.map(({ name }) => name));
    tools.script('apt-get', 'exit 1');
    const { message, remedy } = await said(tools.use(preflightEmbedded));
    for (const { name, package: origin } of EMBEDDED_TOOLS) expect(message).toContain(`${name} (package ${origin})`);
    const packages = [...new Set(EMBEDDED_TOOLS.map((tool) => tool.package))];
    expect(remedy.startsWith(sudo + install(...packages))).toBe(true);
    expect(remedy.match(/apt-get/g)).toHaveLength(1);
  });

  test('apt-get too: the remedy does not name it', async () => {
    using tools = new ToolFolder(['tcpdump']);
    const { remedy } = await said(tools.use(preflightEmbedded));
    expect(remedy).toBe("install what Debian and Ubuntu call tcpdump with this machine's package manager");
  });

  test('a busybox that is static', async () => {
    using tools = new ToolFolder(['busybox']);
    tools.link('busybox', findTool('ls'));
    const check = failing(await tools.use(doctor)).find(({ name }) => name === 'busybox');
    expect(check).toMatchObject({
      seen: `${join(tools.folder, 'busybox')}, linked dynamically`,
      fix: { packages: ['busybox-static'] },
    });
    expect(await said(tools.use(preflightEmbedded))).toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('linked dynamically; package busybox-static'),
    });
  });

  test('a busybox with all applets', async () => {
    using tools = new ToolFolder(['busybox']);
    tools.script('busybox', 'echo sh; echo nc; echo wget');
    const check = failing(await tools.use(doctor)).find(({ name }) => name === 'busybox applets');
    expect(check?.seen).toMatch(/^without httpd, timeout, /);
  });

  test('a Node that is new enough', () => {
    const ok = (version: string) => nodeCheck(version).ok;
    expect(['20.19.0', '20.20.2', '22.0.0', '24.1.0'].map(ok)).toEqual([true, true, true, true]);
    expect(['20.18.9', '18.20.0'].map(ok)).toEqual([false, false]);
  });
});

describe('--fix', () => {
  /** An apt-get that "installs" a tool by linking it, once it knows the list of packages. */
  function withPackages(tools: ToolFolder, missing: string): string {
    const log = join(tools.folder, 'log');
    const real = findTool(missing);
    tools.script('sudo', 'exec "$@"');
    tools.script(
      'apt-get',
      `printf '%s\\n' "$*" >> ${log}
case $1 in
  update) : > ${tools.folder}/updated ;;
  install) [ -e ${tools.folder}/updated ] || exit 100; /bin/ln -s ${real} ${tools.folder}/${missing} ;;
esac`,
    );
    return log;
  }

  test('shows and runs the one command, fetches the list of packages where that fails, and looks again', async () => {
    using tools = new ToolFolder(['tcpdump']);
    const log = withPackages(tools, 'tcpdump');
    const commands: string[] = [];
    const report = await tools.use(() => doctorFix((command) => commands.push(command)));
    expect(report).toMatchObject({ ok: true, problems: [] });
    const expected = [install('tcpdump'), 'apt-get update', install('tcpdump')];
    expect(commands).toEqual(expected.map((command) => sudo + command));
    expect(
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((words) => `apt-get ${words}`),
    ).toEqual(expected);
  });

  test('says what it could not do, tries it once, and changes nothing where all is well', async () => {
    using tools = new ToolFolder(['busybox', 'wg']);
    tools.script('sudo', 'exec "$@"');
    tools.script('apt-get', 'exit 100');
    const commands: string[] = [];
    const { ok, problems } = await tools.use(() => doctorFix((command) => commands.push(command)));
    expect(ok).toBe(false);
    expect(commands).toHaveLength(2); // install, update: which fails too
    expect(problems).toEqual([
      expect.stringMatching(/did not install wireguard-tools, busybox-static; on Ubuntu, busybox-static come/),
    ]);
    using whole = new ToolFolder();
    whole.script('apt-get', 'exit 100');
    expect(await whole.use(() => doctorFix((command) => commands.push(command)))).toMatchObject({
      ok: true,
      problems: [],
    });
    expect(commands).toHaveLength(2);
  });

  test('applies the remedies of warnings too where containerlab is installed, and says what they do', async () => {
    const settings = { 'fs.inotify.max_user_watches': 524_288, 'fs.inotify.max_user_instances': 512 };
    const low = Object.entries(settings).filter(
      ([name, least]) => Number(readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')) < least,
    );
    using tools = new ToolFolder();
    const log = join(tools.folder, 'log');
    tools.script('sudo', 'exec "$@"');
    tools.script('sysctl', `printf '%s\\n' "$*" >> ${log}`);
    for (const name of ['modprobe', 'systemctl', 'apt-get']) tools.script(name, 'exit 1');
    await tools.use(() => doctorFix(() => undefined, { engine: 'containerlab' }));
    expect(existsSync(log)).toBe(false); // who has no containerlab has not asked for it
    tools.script('containerlab', 'echo \'{"version":"0.79.0"}\'');
    const said: (string | undefined)[] = [];
    const announce = (command: string, says?: string) => void (command.includes('sysctl') && said.push(says));
    await tools.use(() => doctorFix(announce, { engine: 'containerlab' }));
    const done = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    expect([...new Set(done)]).toEqual(low.map(([name, least]) => `-w ${name}=${least}`));
    for (const [name, least] of low) {
      expect(said).toContainEqual(expect.stringMatching(new RegExp(`^raises ${name} from \\d+ to ${least} until`)));
    }
  });

  test('without apt-get says what to install', async () => {
    using tools = new ToolFolder(['wg']);
    const { problems } = await tools.use(() => doctorFix(() => expect.unreachable()));
    expect(problems).toEqual(['apt-get is missing: install wireguard-tools by hand']);
  });
});

describe('why there are no namespaces', () => {
  const user = {
    isRoot: false,
    printed: 'unshare: unshare failed: Operation not permitted',
    settings: {},
    capabilities: 0n,
  };
  const root = { ...user, isRoot: true };

  // Not every kernel has the settings by which Ubuntu and old Debian forbid this: they are faked here. A limit of 0 is tried for real
  // in test/cli/doctor.test.ts.
  test.each([
    [
      'AppArmor',
      { 'kernel.apparmor_restrict_unprivileged_userns': 1 },
      'kernel.apparmor_restrict_unprivileged_userns=0',
    ],
    ['old Debian', { 'kernel.unprivileged_userns_clone': 0 }, 'kernel.unprivileged_userns_clone=1'],
    ['a limit of 0', { 'user.max_user_namespaces': 0 }, 'user.max_user_namespaces=28633'],
    [
      'two at once',
      { 'user.max_user_namespaces': 0, 'kernel.unprivileged_userns_clone': 0 },
      'user.max_user_namespaces=28633 kernel.unprivileged_userns_clone=1',
    ],
  ])('%s', (_, settings, values) => {
    const { why, fix } = refusalOf({ ...user, settings });
    expect(fix).toEqual({ commands: [['sysctl', '-w', ...values.split(' ')]] });
    for (const name of Object.keys(settings)) expect(why).toContain(name);
  });

  test('settings that allow, or that are not for root, are not blamed', () => {
    const settings = { 'user.max_user_namespaces': 0, 'kernel.apparmor_restrict_unprivileged_userns': 1 };
    expect(refusalOf({ ...root, settings }).why).toContain('SYS_ADMIN');
    expect(refusalOf({ ...root, settings, capabilities: ~0n }).why).toContain('something else does not');
    const allowing = { 'user.max_user_namespaces': 5, 'kernel.unprivileged_userns_clone': 1 };
    expect(refusalOf({ ...user, settings: allowing }).why).toContain('Operation not permitted');
  });

  test('a limit that is used up is raised', () => {
    const printed = 'unshare: unshare failed: No space left on device';
    const { fix } = refusalOf({
      ...user,
      printed,
      settings: { 'user.max_user_namespaces': 60_000, 'user.max_net_namespaces': 10 },
    });
    expect(fix).toEqual({
      commands: [['sysctl', '-w', 'user.max_user_namespaces=120000', 'user.max_net_namespaces=28633']],
    });
  });
});

test("an ordinary user's PATH gets the sbin folders, a folder of tools does not", () => {
  expect(systemPath('/usr/local/bin:/usr/bin:/bin:/home/me/bin')).toBe(
    '/usr/local/bin:/usr/bin:/bin:/home/me/bin:/usr/local/sbin:/usr/sbin:/sbin',
  );
  expect(systemPath('/usr/sbin:/usr/bin')).toBe('/usr/sbin:/usr/bin');
  expect(systemPath('/tmp/tools')).toBe('/tmp/tools');
});
