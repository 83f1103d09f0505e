import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Home } from '../e2e/support/wglab.ts';
import { bytesFrom, ethernet, inVxlan, ipv4, pcap, tcp, udp } from '../wire/packet-builder.ts';

const SECRET = 'Authorization: Bearer abc.def.ghi';
const KEY = Buffer.alloc(32, 7).toString('base64');
const folder = mkdtempSync(join(tmpdir(), 'wglab-explain-'));
const before = join(folder, 'before.pcap');
const after = join(folder, 'after.pcap');
const home = new Home({ environment: { NO_COLOR: '1', COLUMNS: '80' } });
const wide = new Home({ folder: home.folder, environment: { NO_COLOR: '1', COLUMNS: '170' } });

beforeAll(() => {
  const request = ethernet(inVxlan(ethernet(ipv4(tcp(`GET / HTTP/1.1\r\n${SECRET}\r\n\r\n`)))));
  const data = bytesFrom([4, 0, 0, 0, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0], Buffer.alloc(176, 200));
  writeFileSync(before, pcap([ethernet(ipv4(tcp(''))), request]));
  writeFileSync(after, pcap([ethernet(ipv4(udp(data, { toPort: 51820 }), { protocol: 17 }))]));
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await home.dispose();
});

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));

describe('a file', () => {
  test('is explained within 80 columns, the secret marked without colours too', async () => {
    const { stdout } = await home.expects(0, ['explain', '--pcap', before]);
    expect(stdout).toMatch(/^Packet 2 of .*before\.pcap/);
    expect(stdout).toContain('for it carries a secret in clear');
    expect(stdout).toContain(`  | ${SECRET}\n${' '.repeat(4 + SECRET.indexOf('abc'))}^^^^^^^^^^^\n`);
    expect(stdout).toMatch(/^ {3}46 {2}00 10 00 {17}network {14}VNI 4096$/m);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    expect((await home.expects(0, ['explain', '--pcap', before, '--packet', '1'])).stdout).toContain('Packet 1 of');
  });

  test('is shown next to another if there is room, else above it', async () => {
    const argv = ['explain', '--pcap', before, '--pcap', after];
    const narrow = (await home.expects(0, argv)).stdout;
    expect(widest(narrow)).toBeLessThanOrEqual(80);
    expect(narrow.indexOf('VXLAN: ')).toBeLessThan(narrow.indexOf('WireGuard data: '));
    const broad = (await wide.expects(0, argv)).stdout;
    expect(widest(broad)).toBeLessThanOrEqual(170);
    expect(broad).toMatch(/^Packet 2 of .* │ Packet 1 of /);
    expect(broad).toMatch(/^VXLAN: .* │ WireGuard data: /m);
  });

  test('as JSON: every byte of every field', async () => {
    const { stdout } = await home.expects(0, ['explain', '--pcap', after, '-o', 'json']);
    const [packet] = JSON.parse(stdout).packets;
    expect(packet).toMatchObject({ source: after, packet: 1, length: 234, captured: 234, ending: null });
    const wireguard = packet.layers.at(-1);
    expect(wireguard.fields[3]).toEqual({
      ...{ name: 'counter', offset: 50, length: 8, value: '9', hex: '0900000000000000' },
      about: expect.stringContaining('no number comes twice'),
    });
    const hex = packet.layers.flatMap((layer: { fields: { hex: string }[] }) => layer.fields.map((field) => field.hex));
    expect(hex.join('')).toHaveLength(2 * 234);
  });

  test('comes through standard input too', async () => {
    const { stdout, status } = await home.shell(`"$@" explain --pcap - < '${before}'`);
    expect([status, stdout.slice(0, 13)]).toEqual([0, 'Packet 2 of -']);
  });

  test.each([
    ['no capture', 'not a capture file at all', /this is neither pcap nor pcapng \(at byte 0\)/i],
    ['empty', '', /The capture file is empty/],
    ['without a packet', pcap([]), /holds no packet/],
  ])('that is %s is refused with the reason', async (name, content, reason) => {
    const file = join(folder, `${name}.pcap`);
    writeFileSync(file, content);
    expect((await home.expects(2, ['explain', '--pcap', file])).stderr).toMatch(reason);
  });

  test('that ends too early, or is broken at the end, is explained up to there', async () => {
    const whole = pcap([ethernet(ipv4(tcp('the first one'))), ethernet(ipv4(tcp('another')))]);
    const file = join(folder, 'cut.pcap');
    writeFileSync(file, whole.subarray(0, whole.length - 5));
    const cut = await home.expects(0, ['explain', '--pcap', file]);
    expect(cut.stdout).toContain('| the first one');
    expect(cut.stderr).toContain('ends within a packet');
    writeFileSync(file, bytesFrom(whole, Buffer.alloc(32, 255)));
    expect((await home.expects(0, ['explain', '--pcap', file])).stderr).toContain('is broken after packet 2');
  });

  test.each([
    [['--pcap', join(folder, 'missing')], /cannot read .*missing/],
    [['--pcap', before, '--packet', '3'], /there is no packet 3 in .*: it has 2 packets/],
    [['--pcap', before, '--packet', 'handshake'], /no packet of .* is of the kind "handshake"/],
    [['--pcap', before, '--packet', 'nonsense'], /neither the number of a packet/],
    [['--pcap', before, '--packet', '1', '--packet', '2'], /more of --packet than of --pcap/],
    [['--pcap', before, '--node', 'a'], /leave --pcap away/],
    [['--pcap', before, '--keys', 'a=short'], /neither a file .* nor name=key/],
    [[], /no lab is running/],
  ])('explain %j is wrong usage', async (args, reason) => {
    expect((await home.expects(2, ['explain', ...args])).stderr).toMatch(reason);
  });

  test('keys come from a file, whose mistakes have a line', async () => {
    const keys = join(folder, 'keys');
    writeFileSync(keys, `# who is who\nworker ${KEY}\nbroken nonsense\n`);
    const { stderr } = await home.expects(2, ['explain', '--pcap', before, '--keys', keys]);
    expect(stderr).toContain(`${keys}:3: not a name and a public key: broken nonsense`);
    await home.expects(0, ['explain', '--pcap', before, '--keys', `worker=${KEY}`]);
  });
});

test('the wire of a lab: a plaintext secret, then what nobody can read, from which node to which', async () => {
  const lab = new Home({ environment: { NO_COLOR: '1' } });
  try {
    await lab.expects(0, ['deploy', '--engine', 'embedded']);
    const plain = await lab.expects(0, ['explain', '--packet', 'secret']);
    expect(plain.stdout).toMatch(/172\.18\.0\.\d \(wireguard-worker2?\)/);
    expect(plain.stdout).toMatch(/192\.168\.\d+\.\d+ \(frontend-\S+\)/);
    expect(plain.stdout).toContain('^^^^');
    await lab.expects(0, ['encrypt', 'on']);
    const { stdout } = await lab.expects(0, ['explain', '-o', 'json']);
    expect(JSON.parse(stdout).packets[0].layers.at(-1).name).toMatch(/^WireGuard data/);
    const late = await lab.expects(5, ['explain', '--packet', 'secret', '--wait', '1']);
    expect(late.stderr).toMatch(/no packet of the kind "secret" was on the wire within 1 s \(\d+ were seen\)/);
  } finally {
    await lab.dispose();
  }
});
