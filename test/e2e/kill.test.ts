import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LabProcess } from './support/processes.ts';
import { until } from './support/until.ts';
import { Home, killIfThere, type Running } from './support/wglab.ts';

/**
 * `kill -9` at any moment of any command: the next destroy leaves nothing, and the next deploy works without one. The
 * moments are samples; WGLAB_KILL_STEP_MS=40 goes through all of them, which takes half an hour.
 */
const STEP_MS = Number(process.env.WGLAB_KILL_STEP_MS ?? 0);
const LIMIT_MS = STEP_MS > 0 ? 3_600_000 : 120_000;

let home: Home;

beforeEach(() => {
  home = new Home();
});

afterEach(() => home.dispose());

/** Moments over the length of a command, in ms: samples by golden section, which leave no gap for long, or every step. */
function moments(length: number, samples: number): number[] {
  const count = STEP_MS > 0 ? Math.ceil(length / STEP_MS) : samples;
  return Array.from({ length: count }, (_, i) =>
    STEP_MS > 0 ? i * STEP_MS : length * ((i * 0.618 + Math.random() * 0.2) % 1),
  );
}

async function passed(ms: number, command: Running): Promise<void> {
  const began = performance.now();
  let over = false;
  void command.ended.then(() => {
    over = true;
  });
  await until('the moment', () => over || performance.now() - began >= ms);
}

async function lengthOf(args: readonly string[]): Promise<number> {
  return (await home.expects(0, args)).took;
}

describe('kill -9 of wglab', { timeout: LIMIT_MS }, () => {
  it('during deploy leaves nothing that the next destroy, or the next deploy, does not clear', async () => {
    const length = await lengthOf(['deploy']);
    await home.destroy();
    for (const [i, moment] of moments(length, 4).entries()) {
      const command = home.start(['deploy']);
      await passed(moment, command);
      command.child.kill('SIGKILL');
      await command.ended;
      if (i % 2 === 1) await home.expects(0, ['deploy']);
      await home.destroy();
    }
  });

  it.each([/engine: embedded/, /Making 3 nodes/, /Deploying the workloads/, /Installing Calico/])(
    'during deploy right after %s',
    async (line) => {
      const command = home.start(['deploy']);
      await command.prints(line);
      command.child.kill('SIGKILL');
      await command.ended;
      await home.destroy();
    },
  );

  it('during destroy leaves what the next destroy clears', async () => {
    await home.expects(0, ['deploy']);
    const length = await lengthOf(['destroy']);
    for (const moment of moments(length, 2)) {
      await home.expects(0, ['deploy']);
      const standing = home.census();
      const command = home.start(['destroy']);
      await passed(moment, command);
      command.child.kill('SIGKILL');
      await command.ended;
      await home.destroy();
      home.expectNothingLeft(standing);
    }
  });

  it('during verify and encrypt leaves no capture and no shell in the lab, which goes on', async () => {
    await home.expects(0, ['deploy']);
    for (const args of [['verify'], ['encrypt', 'on'], ['verify'], ['encrypt', 'off']]) {
      const length = await lengthOf(args);
      for (const moment of moments(length, 1)) {
        const command = home.start(args);
        await passed(moment, command);
        command.child.kill('SIGKILL');
        await command.ended;
        await noVisitors(home);
      }
    }
    await home.expects(0, ['encrypt', 'on']);
    await home.expects(0, ['verify', '--expect', 'encrypted']);
    await home.destroy();
  });
});

/** Captures and shells that a verify opens on nodes and in pods. */
const VISITORS = /tcpdump|capture |nc -l|nc -w|hear/;

async function noVisitors(lab: Home): Promise<void> {
  const visitors = () => lab.census().processes.filter(({ command }) => VISITORS.test(command));
  await until(
    () => `these to end: ${visitors().map(({ command }) => command)}`,
    () => visitors().length === 0,
  );
}

describe("kill -9 of a lab's process", { timeout: LIMIT_MS }, () => {
  it('during deploy: deploy ends by itself, and destroy clears', async () => {
    const length = await lengthOf(['deploy']);
    await home.destroy();
    for (const moment of moments(length, 3)) {
      const command = home.start(['deploy']);
      await passed(moment, command);
      killOne(command.pid);
      const { status, stderr } = await command.ended;
      expect([0, 5, 137], stderr).toContain(status);
      expect(stderr).not.toContain('bug in wglab');
      await home.destroy();
    }
  });

  it('during verify and encrypt: they end by themselves, a proof never passes by it, and destroy clears', async () => {
    for (const [args, kind] of [
      [['verify', '--expect', 'plaintext'], /^tcpdump/],
      [['verify', '--expect', 'plaintext'], /^sh|busybox/],
      [['verify', '--expect', 'plaintext'], /embedded-engine/],
      [['encrypt', 'on'], /^sleep/],
      [['encrypt', 'on'], /wireguard-go/],
      [['encrypt', 'on'], /^unshare/],
    ] as [string[], RegExp][]) {
      await home.expects(0, ['deploy']);
      const command = home.start(args);
      let killed: LabProcess | undefined;
      await until('its victim', () => {
        killed = killOne(command.pid, kind);
        return killed !== undefined || command.child.exitCode !== null;
      });
      const { status, stderr } = await command.ended;
      expect([0, 1, 3, 4, 5], `${kind}: ${stderr}`).toContain(status);
      expect(stderr, String(kind)).not.toContain('bug in wglab');
      await home.destroy();
    }
  });
});

/** Ends one of the home's processes, wglab itself not among them. */
function killOne(wglab: number, kind = /./): LabProcess | undefined {
  const candidates = home.census().processes.filter(({ pid, command }) => pid !== wglab && kind.test(command));
  const victim = candidates[Math.floor(Math.random() * candidates.length)];
  if (victim) killIfThere(victim.pid);
  return victim;
}
