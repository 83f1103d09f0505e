import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

/** Generous: cleaning up takes tenths of a second. */
const BOUND_MS = 15_000;

let home: Home;

beforeEach(() => {
  home = new Home();
});

afterEach(() => home.dispose());

/** Sends a signal once a line was printed, to wglab or to its whole process group as a terminal does; gives how it ended. */
async function interrupt(args: string[], line: RegExp, signal: NodeJS.Signals, group: boolean) {
  const command = home.start(args, { detached: true });
  await command.prints(line);
  const before = home.census();
  if (command.child.exitCode === null) process.kill(group ? -command.pid : command.pid, signal);
  const sent = performance.now();
  const result = await command.ended;
  return { ...result, before, lasted: performance.now() - sent };
}

describe.each([
  ['SIGINT', true],
  ['SIGTERM', false],
  ['SIGHUP', true],
] as [NodeJS.Signals, boolean][])('%s', (signal, group) => {
  it.each([/engine: embedded/, /Making 3 nodes/, /Installing Calico/])(
    'during deploy after %s leaves nothing',
    async (line) => {
      const { status, stderr, lasted, before } = await interrupt(['deploy'], line, signal, group);
      expect(stderr).toContain('interrupted: cleaning up');
      expect(stderr).not.toContain('bug in wglab');
      expect(status, stderr).toBe(130);
      expect(lasted).toBeLessThan(BOUND_MS);
      home.expectNothingLeft(before);
    },
  );

  it('during verify and encrypt leaves the lab standing, and no visitor in it', async () => {
    await home.expects(0, ['deploy']);
    for (const [args, line] of [
      [['verify', '--expect', 'plaintext'], /Starting a capture/],
      [['verify', '--expect', 'plaintext'], /Sending marked/],
      [['encrypt', 'on'], /The same by hand/],
    ] as [string[], RegExp][]) {
      let result = await interrupt(args, line, signal, group);
      // It takes a third of a second: on a busy machine it may be over when the signal comes.
      for (let more = 4; more > 0 && result.status === 0; more -= 1)
        result = await interrupt(args, line, signal, group);
      const { status, stderr, lasted } = result;
      expect(stderr, args.join(' ')).toContain('interrupted: cleaning up');
      expect(stderr).not.toContain('bug in wglab');
      expect(status, stderr).toBe(130);
      expect(lasted).toBeLessThan(BOUND_MS);
      const visitors = () =>
        home.census().processes.filter(({ command }) => /tcpdump|capture |nc -l|nc -w/.test(command));
      await until('no capture in the lab', () => visitors().length === 0);
    }
    await nothingHalfLooksValid();
    await home.expects(0, ['encrypt', 'on']);
    await home.expects(0, ['verify', '--expect', 'encrypted']);
  });
});

/** The folder of a run that broke off cannot be taken for evidence. */
async function nothingHalfLooksValid(): Promise<void> {
  const folder = join(home.folder, 'evidence/wireguard');
  for (const run of readdirSync(folder)) {
    if (existsSync(join(folder, run, 'record.json'))) continue; // it had ended when it was interrupted
    const { status } = await home.run(['verify', '--from', join(folder, run), '--expect', 'plaintext']);
    expect([2, 3, 5]).toContain(status);
  }
}

it.each([/plaintext\n/, /encrypt on/, /ciphertext/])('Ctrl-C during smoke after %s destroys the lab', async (line) => {
  const { status, stderr, before } = await interrupt(['smoke'], line, 'SIGINT', true);
  expect(status, stderr).toBe(130);
  expect(stderr).not.toContain('bug in wglab');
  home.expectNothingLeft(before);
});

it('a second Ctrl-C stops at once, and destroy clears', async () => {
  const command = home.start(['deploy']);
  await command.prints(/Making 3 nodes/);
  process.kill(command.pid, 'SIGINT');
  process.kill(command.pid, 'SIGSTOP'); // so that both are there when it looks
  await command.prints(/interrupted/).catch(() => undefined);
  process.kill(command.pid, 'SIGCONT');
  process.kill(command.pid, 'SIGINT');
  expect((await command.ended).status).toBe(130);
  await home.destroy();
});

it('a reader that goes away is no error', async () => {
  await home.expects(0, ['deploy']);
  const { stdout, status, stderr } = await home.shell('"$@" status -o json | head -n 1');
  expect({ stdout, status, stderr }).toEqual({ stdout: '{\n', status: 0, stderr: '' });
  await home.destroy();
  const progress = await home.shell('"$@" deploy 2>&1 | head -n 1');
  expect(progress.stdout).toContain('engine: embedded');
  await home.expects(0, ['verify', '--expect', 'plaintext']); // it was not broken off
});
