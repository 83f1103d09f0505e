import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/lab/package-root.ts';
import { Home } from '../e2e/support/wglab.ts';
import { fence } from './support.ts';

let home: Home;
let file: string;

beforeEach(() => {
  home = new Home();
  const folder = join(home.folder, '.files');
  mkdirSync(folder);
  file = join(folder, 'mine.md');
  home.environment.TMPDIR = folder;
});
afterEach(() => home.dispose());

function write(steps: string): void {
  const root = packageRoot();
  writeFileSync(
    file,
    `---
title: Mine
minutes: 1
topology: ${root}/topologies/wireguard.clab.yml
cni:
  name: calico
  manifests: [${root}/manifests/calico/installation.yaml, ${root}/manifests/calico/felixconfiguration.yaml]
workloads: [${root}/manifests/nc.yaml]
engines: [embedded]
---

# Mine

Read **this**, and [that](https://example.com).

${steps}`,
  );
}

const DEPLOY = `## Bring it up\n\n${fence('sh', 'wglab deploy mine')}${fence('yaml check', '- run: wglab status\n  prints: wireguard-worker2 +yes\n  otherwise: Deploy it.')}`;

const look = (condition: string) =>
  `## Look\n\n${fence('sh', '# how many\necho hello |\n  tee word\nkubectl get nodes -o name')}${fence('text', 'an example')}${fence('yaml check', condition)}`;

const HOLDS = '- run: cat word\n  prints: ^hello$\n  otherwise: Say hello.\n- run: test -s word\n  otherwise: Again.';
const FAILS =
  '- run: cat word\n  prints: ^hello$\n  otherwise: Say hello.\n- run: cat word\n  prints: bye\n  otherwise: Say bye.';

function expectNothingLeft(): void {
  expect(readdirSync(home.folder)).not.toContain('.sessions');
  rmSync(join(home.folder, '.files'), { recursive: true });
  home.expectNothingLeft(home.census());
}

describe('workshop --auto', () => {
  test('prints a transcript of what was really done, and takes the lab away', async () => {
    write(DEPLOY + look(HOLDS));
    const { stdout } = await home.expects(0, ['workshop', file, '--auto']);
    expect(stdout).toMatch(/^# Mine\n\nRead this, and that \(https:\/\/example\.com\)\.\n\n## 1\/2 Bring it up\n/);
    expect(stdout).toContain(`## 2/2 Look

\`\`\`console
# how many
$ echo hello |
>   tee word
hello
$ kubectl get nodes -o name
node/wireguard-control-plane
node/wireguard-worker
node/wireguard-worker2
\`\`\`

Checked:

- ✓ \`cat word\` prints /^hello$/
- ✓ \`test -s word\` succeeds
`);
    expect(stdout).not.toContain('an example');
    expect(stdout).toMatch(/\npass: 2 steps, 3 of 3 conditions hold, [\d.]+ s on the engine embedded\n$/);
    expectNothingLeft();
  });

  test('says nothing of the Ctrl-C by which a capture ends with its step', async () => {
    const capture = fence('sh background', 'wglab capture --node wireguard-worker -w seen.pcap');
    const wait = fence('sh', "timeout 20 sh -c 'until test -s seen.pcap; do sleep 0.1; done'");
    write(`${DEPLOY}\n## Listen\n\nIn another terminal:\n\n${capture}${wait}`);
    const { stdout } = await home.expects(0, ['workshop', file, '--auto']);
    expect(stdout).toMatch(
      /\n\nIn another terminal:\n\n```console\n\$ wglab capture --node .*\n(tcpdump: )?listening on /,
    );
    expect(stdout).not.toMatch(/interrupted|second terminal/);
  });

  test('ends with 1 where a check does not hold, and prints what the learner would see', async () => {
    write(`${DEPLOY + look(FAILS)}\n## More\n\n${fence('sh', 'touch more')}`);
    const { stdout } = await home.expects(1, ['workshop', file, '--auto']);
    expect(stdout).toContain('- ✓ `cat word` prints /^hello$/\n- ✗ `cat word` prints /bye/\n  Say bye.\n');
    expect(stdout).toMatch(/\nfail: .*; 1 step was not run\n$/);
    expectNothingLeft();
  });

  test('ends with 5 where a command fails; as JSON, too', async () => {
    write(`${DEPLOY}\n## Fail\n\n${fence('sh', 'echo before\nfalse\necho after')}${fence('sh', 'echo later')}`);
    const { stdout } = await home.expects(5, ['workshop', file, '--auto', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      lab: 'mine',
      verdict: 'error',
      engine: 'embedded',
      left: 0,
      steps: [
        { name: 'bring-it-up', checks: [{ holds: true }] },
        {
          name: 'fail',
          checks: [],
          blocks: [{ status: 1, commands: [{ command: 'echo before', output: 'before\n' }, { command: 'false' }] }],
        },
      ],
    });
    expectNothingLeft();
  });

  test('is ended by Ctrl-C, with what runs and what it deployed', async () => {
    write(`${DEPLOY}\n## Wait\n\n${fence('sh background', 'echo ready; sleep 1111')}${fence('sh', 'sleep 1112')}`);
    const running = home.start(['workshop', file, '--auto']);
    await running.prints(/Checked/);
    running.child.kill('SIGINT');
    const { status, took } = await running.ended;
    expect(status).toBe(130);
    expect(took).toBeLessThan(20_000);
    expectNothingLeft();
  });

  test('does not touch a lab that stands', async () => {
    write(DEPLOY);
    await home.expects(0, ['deploy', file]);
    const { stderr } = await home.expects(2, ['workshop', file, '--auto']);
    expect(stderr).toMatch(/is running already.*\ntry: wglab destroy mine/);
    await home.expects(0, ['status', 'mine']);
  });
});

test('workshop --shell gives the environment of the lab, and keeps the notebook', async () => {
  write(DEPLOY);
  const { SHELL } = process.env;
  const script = join(home.folder, '.files', 'shell');
  writeFileSync(script, '#!/bin/sh\necho "$WGLAB_LAB $KUBECONFIG"; wglab --version > version; exit 7\n', {
    mode: 0o755,
  });
  home.environment.SHELL = script;
  const { stdout } = await home.expects(7, ['workshop', file, '--shell']);
  home.environment.SHELL = SHELL;
  expect(stdout).toBe(`mine ${home.folder}/mine/kubeconfig\n`);
  expect(readFileSync(join(home.folder, '.workshop/mine/notebook/version'), 'utf8')).toMatch(/^\d+\.\d+/);
});

describe('smoke of a lab', () => {
  test('reports one case for each condition', async () => {
    write(DEPLOY + look(FAILS));
    const [report, summary] = [join(home.folder, '.files', 'junit.xml'), join(home.folder, '.files', 'summary.md')];
    Object.assign(home.environment, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
    const { stdout } = await home.expects(1, ['smoke', file, '--junit', report]);
    expect(stdout).toContain('::error title=wglab Look (2 of 2)%3A fail::Say bye.');
    const xml = readFileSync(report, 'utf8');
    expect(xml).toContain('<testsuite name="smoke mine" tests="3" failures="1" errors="0"');
    expect(
      [...xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"/g)].map(([, suite, name]) => [suite, name]),
    ).toEqual([
      ['wglab.smoke.mine', 'Bring it up'],
      ['wglab.smoke.mine', 'Look (1 of 2)'],
      ['wglab.smoke.mine', 'Look (2 of 2)'],
    ]);
    expect(xml).toContain('<failure type="fail" message="Say bye.');
    expect(readFileSync(summary, 'utf8')).toContain('| ❌ Look \\(2 of 2\\) |');
    expectNothingLeft();
  });

  test('takes no options of the proof', async () => {
    const { stderr } = await home.expects(2, ['smoke', 'wireguard', '--workers', '3']);
    expect(stderr).toContain('--workers is for smoke without a lab');
  });
});

describe('labs lint', () => {
  test('tells every mistake with its place, and warns of steps without check', async () => {
    write(`## A\n\n${fence('sh', 'x')}\n## B\n\n${fence('bash', 'x')}`);
    const { stdout } = await home.expects(2, ['labs', 'lint', file]);
    expect(stdout).toMatch(/mine\.md:\d+:1: error: unknown kind of block "bash"; did you mean "sh"\?\n/);
    expect(stdout).toMatch(/\n1 lab: 1 error, 0 warnings\n$/);
    write(`## A\n\n${fence('sh', 'x')}`);
    const warned = await home.expects(0, ['labs', 'lint', file, '-o', 'json']);
    expect(JSON.parse(warned.stdout)).toMatchObject({
      files: 1,
      errors: 0,
      findings: [
        { severity: 'warning', file, column: 1, message: 'step "A": no check: nobody can tell whether it is done' },
      ],
    });
  });

  test('leaves the page about the labs out', async () => {
    const page = join(packageRoot(), 'labs/README.md');
    const { stdout, stderr } = await home.expects(0, ['labs', 'lint', page, join(packageRoot(), 'labs/nc.md')]);
    expect(stdout).toMatch(/^1 lab: /);
    expect(stderr).toContain(`${page} is no lab, and was left out`);
  });

  test('looks at the front matter and at what it names, too', async () => {
    write(`## A\n\n${fence('sh', 'x')}`);
    writeFileSync(file, readFileSync(file, 'utf8').replace('minutes: 1', 'minutes: none').replace('# Mine', '#Mine'));
    const { stdout } = await home.expects(2, ['labs', 'lint', file]);
    expect(stdout).toMatch(/mine\.md:3:10: error: minutes must be a /);
    expect(stdout).toContain('this lab has no title');
  });
});
