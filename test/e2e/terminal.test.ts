import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OnTerminal, onTerminal } from './support/on-terminal.ts';
import { Home } from './support/wglab.ts';

/** Far more than any of these commands has to say; a spinner that runs away writes a megabyte in a second. */
const MOST_WRITTEN = 30_000;
const MOST_MEGABYTES = 150;

function expectEnded(result: OnTerminal, ...statuses: number[]): void {
  const { bounded, signal, status, written, megabytes } = result;
  expect(bounded, `it ends by itself:\n${written.slice(-2000)}`).toBe(true);
  expect(signal, `no signal ends it:\n${written.slice(-2000)}`).toBe(null);
  expect(statuses, written.slice(-2000)).toContain(status);
  expect(written.length).toBeLessThan(MOST_WRITTEN);
  expect(megabytes).toBeLessThan(MOST_MEGABYTES);
}

let home: Home;

beforeAll(() => {
  home = new Home();
});

afterAll(() => home.dispose());

describe.each(['0x0', '24x0', '0x24', '1x1'])('on a terminal of %s', (size) => {
  it('deploy, verify, break and destroy do their work and end', async () => {
    const lab = new Home();
    try {
      expectEnded(await onTerminal(lab, ['deploy'], { size }), 0);
      expectEnded(await onTerminal(lab, ['verify', '--expect', 'plaintext'], { size }), 0);
      await lab.expects(0, ['encrypt', 'on']);
      expectEnded(await onTerminal(lab, ['break', 'open-book'], { size }), 0);
      expectEnded(await onTerminal(lab, ['destroy'], { size }), 0);
    } finally {
      await lab.dispose();
    }
  });
});

it.each(['0x0', '0x24'])('the workshop refuses a terminal of %s, and names what needs none', async (size) => {
  const result = await onTerminal(home, ['workshop'], { size });
  expectEnded(result, 2);
  expect(result.written).toContain('--auto');
});

it('a terminal without columns gets no escape sequence', async () => {
  const { written } = await onTerminal(home, ['labs'], { size: '0x0' });
  expect(written).not.toContain('\u001b');
});

describe.each(['own', 'foreign'] as const)('if a terminal of its %s is closed', (control) => {
  const closed = { size: '80x24', control };

  it.each(['engine: ', 'Making', 'Installing'])('after "%s", deploy stops and leaves nothing', async (closeAt) => {
    const lab = new Home();
    try {
      expectEnded(await onTerminal(lab, ['deploy'], { ...closed, closeAt }), 130);
      lab.expectNothingLeft(lab.census());
    } finally {
      await lab.dispose();
    }
  });

  it('verify, break, capture, exec and the workshop stop, and the lab runs on', async () => {
    await home.expects(0, ['deploy']);
    await home.expects(0, ['encrypt', 'on']);
    expectEnded(await onTerminal(home, ['verify'], { ...closed, closeAt: 'capture' }), 130);
    expectEnded(await onTerminal(home, ['capture'], { ...closed, closeAt: 'WireGuard' }), 130);
    expectEnded(await onTerminal(home, ['workshop'], { ...closed, closeAt: 'begin' }), 130);
    const exec = ['exec', '-t', 'wireguard-worker', '--', 'sh', '-c', 'echo ready; sleep 600'];
    expectEnded(await onTerminal(home, exec, { ...closed, closeAt: 'ready' }), 130);
    // It may be done before the terminal is closed.
    expectEnded(await onTerminal(home, ['break', 'open-book'], { ...closed, closeAt: '.' }), 0, 130);
    await home.expects(0, ['break', '--undo']);
    await home.expects(0, ['status']);
    // `destroy` is not closed here: it is over so soon that Node may be restoring the terminal, and dies of that (SIGSEGV).
    await home.expects(0, ['destroy', '--all']);
  });
});

it('a terminal in a terminal whose input is empty ends too', async () => {
  const lab = new Home();
  try {
    const { status } = await lab.shell(`script -qec "'$1' '$2' deploy" /dev/null < /dev/null > /dev/null`);
    expect(status).toBe(0);
  } finally {
    await lab.dispose();
  }
});
