import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CaptureReader } from '../../src/wire/capture-file.ts';
import { Home } from '../e2e/support/wglab.ts';

let home: Home;

beforeAll(async () => {
  home = new Home();
  await home.expects(0, ['deploy', 'wireguard']); // its frontend talks to its backend all the time
});

afterAll(() => home.dispose());

test('capture -w FILE -c N writes that many packets, and ends by itself', async () => {
  const file = join(home.folder, 'few.pcap');
  await home.expects(0, ['capture', '--node', 'wireguard-worker', '-c', '7', '-w', file]);
  expect(new CaptureReader().push(readFileSync(file))).toHaveLength(7);
});

test('capture --seconds ends by itself, as lines and as a file, whatever came', async () => {
  const file = join(home.folder, 'short.pcap');
  const [lines, pcap] = await Promise.all([
    home.expects(0, ['capture', '--seconds', '3']),
    home.expects(0, ['capture', '--node', 'wireguard-worker', '-s', '3', '-w', file]),
  ]);
  for (const { took } of [lines, pcap]) {
    expect(took).toBeGreaterThan(3_000);
    expect(took).toBeLessThan(15_000);
  }
  expect(lines.stdout).toMatch(/^[\d:.]+ wireguard-worker/m);
  expect(lines.stderr).toContain('it ends after 3 seconds, or by Ctrl-C');
  expect(new CaptureReader().push(readFileSync(file)).length).toBeGreaterThan(0);
});

test('capture -w FILE refuses --grep, and says what does it', async () => {
  const args = ['capture', '--node', 'wireguard-worker', '--grep', 'token', '-w', 'few.pcap'];
  const { stderr } = await home.expects(2, args);
  expect(stderr).toContain('tcpdump -A -r few.pcap | grep');
});
