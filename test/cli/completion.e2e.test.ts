import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARGUMENT_VALUES, complete, OPTION_VALUES } from '../../src/cli/commands/completion/complete.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { findTool } from '../../src/machine/tools.ts';
import { LABS } from '../e2e/support/labs.ts';
import { Home, WGLAB } from '../e2e/support/wglab.ts';

const run = promisify(execFile);
const NODES = ['wireguard-control-plane', 'wireguard-worker', 'wireguard-worker2'];
let home: Home;
/** A folder with `wglab` in it, for the shells to find. */
let programs: string;

beforeAll(async () => {
  programs = mkdtempSync(join(tmpdir(), 'wglab-completion-'));
  symlinkSync(WGLAB, join(programs, 'wglab'));
  home = new Home();
  await home.expects(0, ['deploy', '--name', 'one']);
});

afterAll(async () => {
  await home.dispose();
  rmSync(programs, { recursive: true });
});

/** Returns what a script prints in a shell with wglab on PATH; anything on standard error would end up in the prompt. */
async function inShell(shell: string, argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const env = { ...home.environment, PATH: `${programs}:${process.env.PATH}`, ...environment };
  const { stdout, stderr } = await run(shell, [...argv], { env });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

/** Returns what bash would offer for the last of the words, as its readline cuts them. */
function inBash(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const script = `source <(wglab completion bash)
COMP_WORDS=(wglab "$@") COMP_CWORD=$#
_wglab wglab
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return inShell('bash', ['-c', script, 'bash', ...words], environment);
}

describe('in bash', () => {
  test.each([
    [['e'], ['encrypt', 'exec', 'explain']],
    [['de'], ['deploy', 'destroy']],
    [
      ['encrypt', ''],
      ['on', 'off', 'status', 'rotate'],
    ],
    [['encrypt', 'on', ''], ['one']],
    [['encrypt', 'on', 'one', ''], []],
    [['verify', '--ex'], ['--expect']],
    [
      ['verify', '--expect', ''],
      ['encrypted', 'plaintext'],
    ],
    [['verify', '--expect', '=', 'e'], ['encrypted']],
    [
      ['verify', '--expect', '='],
      ['encrypted', 'plaintext'],
    ],
    [['-q', 'verify', '--lab', ''], ['one']],
    [['deploy', ''], LABS],
    [['deploy', '--workers', ''], []],
    [['destroy', ''], ['one']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'ca'], ['capture']],
    [['capture', '--node', ''], NODES],
    [['capture', '-n', 'wireguard-w'], NODES.slice(1)],
    [['exec', 'wireguard-'], NODES],
    [['exec', '--lab', 'one', 'wireguard-c'], ['wireguard-control-plane']],
    [['exec', '--lab', 'none', ''], []],
    [['exec', '--', 'wireguard-c'], ['wireguard-control-plane']],
    [['nothing', 'x', '--y', ''], []],
  ])('%j', async (words, offered) => {
    const found = await inBash(words);
    expect(found.filter((word) => word !== 'help')).toEqual(offered);
  });

  test('exec knows the pods of the standing lab', async () => {
    const pods = await inBash(['exec', 'nc/']);
    expect(pods).toHaveLength(3);
    for (const pod of pods) expect(pod).toMatch(/^nc\/nc-/);
  });

  test('nothing reaches the prompt when something is wrong', async () => {
    expect(await inBash(['exec', ''], { WGLAB_HOME: '/dev/null/x' })).toEqual([]);
    expect(await inBash(['\n', ''])).toEqual([]);
  });

  test('in a terminal, TAB completes the command line', async () => {
    const rc = join(programs, 'rc');
    const script = `echo "source <(wglab completion bash)" > "$1"; echo "PS1='> '" >> "$1"
{ printf 'wglab veri\\t--exp\\tpl\\t%s\\n' '# typed'; printf 'exit 0\\n'; } | script -qec "bash --rcfile $1 -i" /dev/null`;
    const lines = await inShell('bash', ['-c', script, 'bash', rc], { TERM: 'dumb' });
    expect(lines.join('\n')).toContain('wglab verify --expect plaintext # typed');
  });
});

describe.runIf(findTool('zsh'))('in zsh', () => {
  /** Returns what zsh's own functions receive as arguments. */
  const inZsh = (...words: string[]) => {
    const script = `compdef() { : }
source <(wglab completion zsh)
_describe() { print -rl -- \${(P)4} }
_files() { print -r -- files "$@" }
words=(wglab "$@") CURRENT=$(( $# + 1 ))
_wglab`;
    return inShell('zsh', ['-f', '-c', script, 'zsh', ...words]);
  };

  test('words, descriptions, values behind "=", files', async () => {
    expect(await inZsh('doc')).toEqual([expect.stringMatching(/^doctor:check what this machine can run/)]);
    expect(await inZsh('verify', '--expect=e')).toEqual(['--expect=encrypted']);
    expect(await inZsh('exec', 'wireguard-')).toEqual(NODES);
    expect(await inZsh('smoke', '--junit', '')).toEqual(['files']);
    expect(await inZsh('verify', '--from', '')).toEqual(['files -/']);
  });
});

describe.runIf(findTool('fish'))('in fish', () => {
  const inFish = (line: string) =>
    inShell('fish', ['--no-config', '-c', 'wglab completion fish | source; complete -C $argv[1]', line]);

  test('words, descriptions, values behind "=", files', async () => {
    expect(await inFish('wglab doc')).toEqual([expect.stringMatching(/^doctor\tcheck what this machine can run/)]);
    expect(await inFish('wglab verify --expect=e')).toEqual(['--expect=encrypted']);
    expect(await inFish('wglab exec wireguard-')).toEqual(NODES);
    expect(await inFish(`wglab smoke --junit ${programs}/w`)).toEqual([`${programs}/wglab`]);
  });
});

describe('the grammar', () => {
  const program = buildProgram(() => undefined);
  const commands = program.commands.map((command) => command.name()).filter((name) => name !== 'start');

  test('every command and option is offered, and the global ones with each', () => {
    expect(complete(program, ['']).words.map(({ word }) => word)).toEqual([...commands, 'help']);
    for (const command of program.commands) {
      if (command.name() === 'start') continue; // what wglab does without a command
      const offered = complete(program, [command.name(), '-']).words.map(({ word }) => word);
      expect(offered).toEqual([...command.options.map(({ long }) => long), '--help', '--quiet']);
    }
  });

  test('for every value there are choices, or it is said what it is', () => {
    for (const command of program.commands) {
      for (const option of command.options.filter(({ required, argChoices }) => required && !argChoices)) {
        expect(OPTION_VALUES, `${command.name()} ${option.flags}`).toHaveProperty(option.attributeName());
      }
      for (const argument of command.registeredArguments.filter(({ argChoices }) => !argChoices)) {
        const said = [`${command.name()} ${argument.name()}`, argument.name()].some((name) => name in ARGUMENT_VALUES);
        expect(said, `${command.name()} <${argument.name()}>`).toBe(true);
      }
    }
  });

  test('files and folders are left to the shell', () => {
    expect(complete(program, ['smoke', '--junit', 'x']).values).toBe('files');
    expect(complete(program, ['verify', '--from', '']).values).toBe('folders');
    expect(complete(program, ['exec', 'worker', '--', 'ip', '']).values).toBe('files');
  });
});
