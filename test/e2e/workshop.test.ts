import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TmuxTerminal } from './support/tmux.ts';
import { until } from './support/until.ts';
import { Home, WGLAB } from './support/wglab.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const SMALL = { columns: 80, rows: 24 };
const LARGE = { columns: 200, rows: 60 };

const FRONT_MATTER = `---
title: A test
minutes: 3
topology: ${ROOT}topologies/wireguard.clab.yml
cni:
  name: calico
  manifests:
    - ${ROOT}manifests/calico/installation.yaml
    - ${ROOT}manifests/calico/felixconfiguration.yaml
workloads:
  - ${ROOT}manifests/frontend-backend.yaml
engines: [embedded]
---
`;

const LONG_COMMAND = `printf '%s\\n' word ${'and-more-of-it '.repeat(8)}> words.txt`;

/** Needs no cluster: what the screen does with commands and checks is the same. */
const FILES = `${FRONT_MATTER}
# Files and words

Two steps about **files**, to see the screen.

## Write the words

They go into a \`file\`:

\`\`\`sh
echo begun
${LONG_COMMAND}
\`\`\`

\`\`\`yaml check
- run: cat words.txt
  prints: ^word$
  otherwise: The file does not hold the word.
\`\`\`

<details><summary>Hint: which file</summary>

It is called \`words.txt\`.

</details>

\`\`\`sh undo
rm -f words.txt
\`\`\`

## Wait

\`\`\`sh
echo "waits as $$"
if [ ! -e ended.txt ]; then touch ended.txt; sleep 300; fi
echo waited
\`\`\`

\`\`\`yaml check
- run: 'true'
  otherwise: It never fails.
\`\`\`
`;

const REAL = `${FRONT_MATTER}
# On the wire

## Deploy

\`\`\`sh
wglab deploy "$WGLAB_LAB_FILE"
\`\`\`

\`\`\`yaml check
- run: kubectl get nodes
  prints: wireguard-worker2 +Ready
  otherwise: The lab does not stand.
\`\`\`

## Encrypt

\`\`\`sh
wglab encrypt on
\`\`\`

\`\`\`yaml check
- run: wglab encrypt status
  prints: WireGuard is on
  otherwise: Encryption is off.
\`\`\`
`;

/** Runs the workshop as a person's shell does, and tells afterwards how it found the terminal. */
const SESSION = `
stty -g > "$1/before"
"\${@:2}"
echo "left with $?"
stty -g > "$1/after"
stty -a
read -r _`;

let folder: string;
let home: Home;
let terminal: TmuxTerminal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wglab-e2e-workshop-'));
  writeFileSync(join(folder, 'files.md'), FILES);
  writeFileSync(join(folder, 'real.md'), REAL);
  // The leftovers of a killed workshop's temporary folder are removed with this one.
  const environment = { TERM: 'xterm-256color', SHELL: '/bin/bash', WGLAB_ENGINE: 'embedded', TMPDIR: folder };
  home = new Home({ environment });
  terminal = new TmuxTerminal(home.environment);
});

afterEach(async () => {
  await terminal.end();
  await home.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function workshop(lab: string, options: { args?: string[]; size?: typeof SMALL } = {}): Promise<void> {
  const command = [process.execPath, WGLAB, 'workshop', join(folder, lab), ...(options.args ?? [])];
  return terminal.start(SESSION, options.size ?? SMALL, folder, ...command);
}

/** The terminal is as it was before wglab ran in it. */
async function expectRestored(status: number): Promise<string> {
  const screen = await terminal.shows('-extproc'); // the end of what stty prints
  expect(screen).toContain(`left with ${status}`);
  expect(screen).toMatch(/\bicanon .*\becho /);
  expect(readFileSync(join(folder, 'after'), 'utf8')).toBe(readFileSync(join(folder, 'before'), 'utf8'));
  expect(await terminal.ask('alternate_on')).toBe('0');
  expect(await terminal.ask('cursor_flag')).toBe('1');
  return screen;
}

it('leads through a lab: runs steps, checks, hints, accepts a fix, keeps its place', { timeout: 120_000 }, async () => {
  await workshop('files.md');
  await terminal.shows('Two steps about files');
  expect(await terminal.ask('alternate_on')).toBe('1');
  expect(await terminal.ask('cursor_flag')).toBe('0');
  await terminal.press('n');
  await terminal.shows('They go into a file:');

  // A wrong state: the words of the lab, what was seen, the hint.
  await terminal.press('c');
  const wrong = await terminal.shows('✗ Not yet');
  expect(wrong).toContain('✗ The file does not hold the word.');
  expect(wrong).toContain('cat: words.txt: No such file or directory');
  await terminal.press('h');
  await terminal.shows('It is called words.txt.');

  // Fixed by hand, in the shell of the lab.
  await terminal.press('!');
  await terminal.shows('"exit" leads back');
  await terminal.press('-l', 'echo word > words.txt; echo "lab=$WGLAB_LAB"');
  await terminal.press('Enter');
  await terminal.shows('lab=files');
  await terminal.press('-l', 'exit');
  await terminal.press('Enter');
  await terminal.shows('Step 1 of 2');
  await terminal.press('c');
  await terminal.shows('✓ The check holds.');

  // Taken back, and done by wglab.
  await terminal.press('u');
  await terminal.shows('rm -f words.txt');
  await terminal.press('y');
  await terminal.shows('Taken back.');
  await terminal.press('d');
  await terminal.shows(/^begun$/m);
  await terminal.shows('Done. c checks it.');
  await terminal.press('n');
  await terminal.shows('✓ Checked.');
  await terminal.press('n');
  await terminal.shows('Step 2 of 2');

  await terminal.press('q');
  const left = await expectRestored(0);
  expect(left).toContain('Your place is kept, in step 2. Go on: wglab workshop ');
  expect(left).not.toContain('Step 2 of 2'); // that was on the alternate screen
  await terminal.end();

  await workshop('files.md');
  await terminal.shows('Here you were.');
  expect(await terminal.screen()).toContain('Step 2 of 2');
  await terminal.press('l');
  await terminal.shows('✓  1 Write the words');
  await terminal.press('Escape');
  await terminal.shows('sleep 300');
  await terminal.press('C-c');
  await expectRestored(130);
});

it('stops a command by Ctrl-C, and not itself', async () => {
  await workshop('files.md', { args: ['--step', 'wait'] });
  await terminal.shows('Step 2 of 2');
  await terminal.press('d');
  const [, pid = ''] = /waits as (\d+)/.exec(await terminal.shows(/waits as \d+/)) ?? [];
  await terminal.shows(/Running \d+\.\d s/);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  await terminal.press('C-c');
  await terminal.shows('Stopped.');
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  await terminal.press('d');
  await terminal.shows(/^waited$/m);
  await terminal.press('q');
  await expectRestored(0);
});

it('fits every size, also while it changes; a command that is copied is whole', async () => {
  await workshop('files.md', { args: ['--step', 'write-the-words'], size: LARGE });
  await terminal.shows('Step 1 of 2');
  expect(await terminal.screen()).toContain(`\n${LONG_COMMAND}\n`);
  await terminal.resize(SMALL);
  await terminal.shows(/^n next|q quit$/m);
  await until('the command on two rows', async () => !(await terminal.screen()).includes(LONG_COMMAND));
  expect((await terminal.screen(true)).split('\n').map((line) => line.trimEnd())).toContain(LONG_COMMAND);
  await terminal.resize({ columns: 40, rows: 10 });
  await terminal.shows(/^Step 1 of 2 .*$/m);
  await terminal.press('End');
  await terminal.shows('end of page');
  await terminal.resize(LARGE);
  const large = await terminal.shows(new RegExp(`^${'─'.repeat(LARGE.columns)}$`, 'm'));
  expect(large.split('\n').at(-1)).toMatch(/^d do it for me .* q quit$/);
});

it.each(['SIGTERM', 'SIGHUP'] as const)('%s restores the terminal, and ends what ran', async (signal) => {
  await workshop('files.md', { args: ['--step', 'wait'] });
  await terminal.shows('Step 2 of 2');
  await terminal.press('d');
  const [, pid = ''] = /waits as (\d+)/.exec(await terminal.shows(/waits as \d+/)) ?? [];
  process.kill(await terminal.foreground(), signal);
  await expectRestored(130);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

it('an exception restores the terminal, and is reported', async () => {
  const raise = "process.on('SIGUSR2', () => { throw new Error('thrown on purpose') })";
  const throwing = `data:text/javascript,${encodeURIComponent(raise)}`;
  const command = [process.execPath, '--import', throwing, WGLAB, 'workshop', join(folder, 'files.md')];
  await terminal.start(SESSION, SMALL, folder, ...command);
  await terminal.shows('Two steps about files');
  process.kill(await terminal.foreground(), 'SIGUSR2');
  const screen = await expectRestored(5);
  expect(screen).toContain('thrown on purpose');
});

it('a failure to save is reported, and the lab goes on', async () => {
  await workshop('files.md');
  await terminal.shows('Two steps about files');
  const kept = join(home.folder, '.workshop/files');
  await until('the notebook', () => existsSync(kept));
  rmSync(kept, { recursive: true });
  writeFileSync(kept, '');
  await terminal.press('n');
  await terminal.shows('Your place is not kept: cannot make the folder');
  expect(await terminal.screen()).toContain('Step 1 of 2');
  await terminal.press('q');
  await expectRestored(0);
});

it('goes on after kill -9, and after a broken progress file', async () => {
  await workshop('files.md', { args: ['--step', 'write-the-words'] });
  await terminal.shows('Step 1 of 2');
  await terminal.press('d');
  await terminal.shows('Done.');
  await terminal.press('n');
  await terminal.shows('✓ Checked.');
  process.kill(await terminal.foreground(), 'SIGKILL');
  await terminal.shows('left with 137');
  await terminal.end();

  await workshop('files.md');
  await terminal.shows('Here you were.');
  expect(await terminal.screen()).toContain('Step 1 of 2 ✓');
  await terminal.press('q');
  await expectRestored(0);
  await terminal.end();

  writeFileSync(join(home.folder, '.workshop/files/progress.json'), '{"version": 1, "st');
  await workshop('files.md');
  await terminal.shows('Two steps about files');
});

it('--restart forgets, and puts the notebook aside', async () => {
  const notebook = join(home.folder, '.workshop/files/notebook');
  mkdirSync(notebook, { recursive: true });
  writeFileSync(join(notebook, 'words.txt'), 'word\n');
  await workshop('files.md', { args: ['--restart', '--step', 'write-the-words'] });
  await terminal.shows('Step 1 of 2');
  await terminal.press('c');
  await terminal.shows('✗ Not yet');
  expect(readFileSync(`${notebook}.before/words.txt`, 'utf8')).toBe('word\n');
});

it('types nothing that is pasted', async () => {
  await workshop('files.md', { args: ['--step', 'write-the-words'] });
  await terminal.shows('Step 1 of 2');
  await terminal.tmux('set-buffer', 'dcq\n');
  await terminal.tmux('paste-buffer', '-p');
  await terminal.shows('press ! for a shell');
  expect(await terminal.screen()).not.toMatch(/^begun$/m);
});

it('NO_COLOR: the same words, no colours', async () => {
  terminal = new TmuxTerminal({ ...home.environment, NO_COLOR: '1' });
  await workshop('files.md', { args: ['--step', 'write-the-words'] });
  await terminal.shows('Step 1 of 2');
  await terminal.press('c');
  await terminal.shows('✗ Not yet');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  expect(await terminal.coloured()).not.toMatch(/\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8])(?:;\d+)*m/);
});

describe('without a terminal', () => {
  it.each([{ TERM: 'dumb' }, { TERM: '' }])('%j names --auto', async (environment) => {
    terminal = new TmuxTerminal(home.environment);
    await terminal.start(
      `export TERM="$1"; "\${@:2}"; echo "left with $?"; read -r _`,
      SMALL,
      environment.TERM,
      process.execPath,
      WGLAB,
      'workshop',
      join(folder, 'files.md'),
    );
    expect(await terminal.shows('left with 2')).toMatch(/--auto/);
  });

  it('a pipe names --auto', async () => {
    const { stderr } = await home.expects(2, ['workshop', join(folder, 'files.md')]);
    expect(stderr).toContain('--auto does the lab without a person');
  });
});

it('--present: one key types, runs, checks and goes on', async () => {
  await workshop('files.md', { args: ['--present', '--step', 'write-the-words'] });
  await terminal.shows(/^\$ █$/m);
  expect(await terminal.screen()).not.toContain('echo begun');
  await terminal.press('Space');
  await terminal.shows(/^\$ ec?h?o?[^█]*█$/m);
  await terminal.shows(/^\$ echo begun$/m);
  await terminal.press('Space'); // the rest at once
  await terminal.shows('any key runs it');
  await terminal.press('Space');
  await terminal.shows(/^begun$/m);
  await terminal.shows('any key checks');
  await terminal.press('Space');
  await terminal.shows('✓ The check holds.');
  await terminal.press('Space');
  await terminal.shows('Step 2 of 2');
  await terminal.press('Escape');
  await terminal.shows('q quit');
  await terminal.press('q');
  await expectRestored(0);
});

it('shows the wire: plaintext secrets, then ciphertext; and offers to do again what was destroyed', {
  timeout: 120_000,
}, async () => {
  await workshop('real.md', { size: LARGE });
  await terminal.shows('not deployed');
  await terminal.press('n');
  await terminal.press('d');
  await terminal.shows('Done. c checks it.');
  await terminal.press('n');
  await terminal.shows('✓ Checked.');
  await terminal.shows('encryption off');
  await terminal.press('n');
  await terminal.press('w');
  await terminal.shows(/Authorization: B\w+ \S+/);
  await terminal.shows(/VXLAN 4096 .* TCP/);
  // Inverted, as tmux returns it.
  expect(await terminal.coloured()).toMatch(/Authorization: B\w+ .*\[7m/);
  await terminal.press('d');
  await terminal.shows('encryption on');
  await terminal.shows(/WireGuard data \d+ bytes\n( {4}[0-9a-f]{2}){1}/);
  await until('only ciphertext on the screen', async () => !/Authorization|VXLAN/.test(await terminal.screen()));
  await terminal.shows('Done. c checks it.');
  await terminal.press('q');
  await expectRestored(0);
  await terminal.end();

  await home.expects(0, ['destroy', 'real']);
  await workshop('real.md');
  const question = await terminal.shows('Do the earlier steps again?');
  expect(question).toContain('✗ 1 Deploy');
  await terminal.press('y');
  await terminal.shows('The earlier steps hold again.');
  expect(await terminal.screen()).toContain('Step 2 of 2');
});
