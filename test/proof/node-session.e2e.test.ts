import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RemoteProcess } from '../../src/process/remote-process.ts';
import { startProcess } from '../../src/process/tool.ts';
import { NodeSession } from '../../src/proof/live/node-session.ts';
import { until } from '../e2e/support/until.ts';

/** As tcpdump behaves as far as a session knows it: it listens, writes its file to standard output, and counts when it is stopped. */
const TCPDUMP = `#!/bin/bash
trap 'echo "3 packets captured" >&2; echo "4 packets received by filter" >&2; echo "1 packet dropped by kernel" >&2; exit 0' TERM
echo "$@" > "$(dirname "$0")/arguments"
echo 'tcpdump: listening on eth0' >&2
echo '0 packets captured, 0 packets received by filter, 0 packets dropped by kernel' >&2
printf 'first\\0\\nmarker-one\\377marker-two and some words'
while :; do sleep 0.01; done
`;

let folder: string;
let path: string;
const remotes: RemoteProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wglab-session-'));
  path = join(folder, 'capture.pcap');
});

afterEach(() => {
  for (const remote of remotes.splice(0)) remote.kill();
  rmSync(folder, { recursive: true });
});

function start(tcpdump: string): Promise<NodeSession> {
  writeFileSync(join(folder, 'tcpdump'), tcpdump, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const shell = async (_node: string, argv: readonly string[]) => {
    const remote = startProcess(argv, {}, env);
    remotes.push(remote);
    return remote;
  };
  return NodeSession.start(shell, {
    node: 'a',
    interface: 'lo',
    busy: 'auto',
    packets: 0,
    at: Date.now() * 1000,
    path,
    file: 'taps/a.pcap',
  });
}

const leftovers = () =>
  ['/dev/shm', tmpdir()].flatMap((where) => readdirSync(where).filter((n) => n.startsWith('wglab-tap.')));
/** The processes that were started from the folder of this test. */
const running = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/tcpdump`);
      } catch {
        return false;
      }
    });

it('captures into a file without a name, and fetches all of it once tcpdump has ended', async () => {
  const session = await start(TCPDUMP);
  expect(session.captures).toBe(true);
  await until('no file to remain', () => leftovers().length === 0);
  const end = await session.stop();
  expect(end).toMatchObject({ exit: 'stopped', direction: 'out', filter: 'outbound' });
  expect(readFileSync(path, 'latin1')).toBe('first\0\nmarker-one\xffmarker-two and some words');
  expect(readFileSync(join(folder, 'arguments'), 'utf8')).toMatch(/ outbound$/m);
  expect(await session.stop()).toBe(end);
});

it('reports the counts that tcpdump printed last, not those that it printed before', async () => {
  const session = await start(TCPDUMP);
  expect(await session.stop()).toMatchObject({ packetsCaptured: 3, packetsReceived: 4, droppedByKernel: 1 });
});

it('says whether texts were captured, between any bytes', async () => {
  const session = await start(TCPDUMP);
  expect(await session.saw(['marker-one', 'marker-two'], 2, 2_000)).toBe(true);
  expect(await session.saw(['and some words', 'not there'], 1, 2_000)).toBe(true);
  expect(await session.saw(['marker-one', 'marker-three'], 2, 30)).toBe(false);
  await session.stop();
});

it('reports that tcpdump died, and what it said last', async () => {
  const session = await start(
    TCPDUMP.replace('while :', 'echo "tcpdump: eth0: interface went down" >&2; exit 1; while :'),
  );
  await until('tcpdump to be gone', () => !session.captures);
  expect(await session.stop()).toMatchObject({ exit: 'died', stderr: expect.stringContaining('interface went down') });
});

it('reports a full disk with the words of tcpdump', async () => {
  const full = `#!/bin/bash
echo 'tcpdump: listening on eth0' >&2
echo x > /dev/full || echo 'tcpdump: Unable to write output: No space left on device' >&2
exit 1
`;
  const session = await start(full);
  await until('tcpdump to be gone', () => !session.captures);
  const { exit, stderr } = await session.stop();
  expect(exit).toBe('died');
  expect(stderr).toContain('No space left on device');
});

it('counts a tcpdump that ends without a word as not started', async () => {
  const session = await start('#!/bin/sh\nexit 0\n');
  expect(await session.stop()).toMatchObject({ exit: 'not started', packetsCaptured: null, droppedByKernel: null });
});

it('counts a tcpdump without counts as one that did not say', async () => {
  const session = await start(`#!/bin/bash
trap 'exit 0' TERM
echo 'tcpdump: listening on eth0' >&2
while :; do sleep 0.01; done
`);
  expect(await session.stop()).toMatchObject({ exit: 'stopped', packetsCaptured: null, droppedByKernel: null });
});

it('leaves nothing if its input ends, as when wglab is killed', async () => {
  await start(TCPDUMP);
  expect(running()).not.toEqual([]);
  remotes[0]?.stdin.end();
  await remotes[0]?.exited;
  expect(running()).toEqual([]);
  await until('no file to remain', () => leftovers().length === 0);
});

it('leaves nothing if the connection is cut and the node kills the session', async () => {
  const session = await start(TCPDUMP);
  session.close();
  await until('all processes to be gone', () => running().length === 0);
  await until('no file to remain', () => leftovers().length === 0);
});

it('says that control packets could not be sent', async () => {
  const session = await start(TCPDUMP);
  expect(await session.sendControls([{ address: '127.0.0.1', port: 9, text: 'x' }])).toBeUndefined();
  const failed = await session.sendControls([
    { address: '127.0.0.1', port: 9, text: 'x' },
    { address: 'no.such.address.invalid', port: 9, text: 'x' },
  ]);
  expect(failed).toBe('control packets could not be sent: 1 of 2 could not be sent');
  await session.stop();
});
