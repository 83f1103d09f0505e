import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enginesUnderTest } from './support/engines.ts';
import { Home } from './support/wglab.ts';

/** All engines behave alike, command by command: nothing here may show which engine runs. */
const engines = await enginesUnderTest();

for (const { name, lacks } of engines) {
  if (lacks) process.stderr.write(`the behaviour of engine ${name} is not tried here: ${lacks}\n`);
}

const able = engines.filter(({ lacks }) => lacks === undefined);

// A cluster of kind on real images needs minutes to come up.
describe.each(able)('engine $name', { timeout: 900_000 }, ({ name, prepare }) => {
  const home = new Home();
  const LAB = 'behaviour';
  let prepared: Awaited<ReturnType<typeof prepare>>;
  let nodes: string[];

  const json = async (status: number, ...args: string[]) =>
    JSON.parse((await home.expects(status, [...args, '-o', 'json'])).stdout);

  beforeAll(async () => {
    prepared = await prepare();
  }, 900_000);

  afterAll(async () => {
    await home.dispose();
    await prepared?.end();
  }, 300_000);

  it('deploy makes a lab, says where its time went, and changes nothing when asked again', async () => {
    const made = await json(0, 'deploy', '--name', LAB, '--timings', ...prepared.args);
    expect(made).toMatchObject({ lab: LAB, engine: name, changed: true });
    nodes = made.nodes;
    expect(nodes.length).toBeGreaterThanOrEqual(2);
    expect(existsSync(made.kubeconfig)).toBe(true);
    const own = made.timings.filter(({ of }: { of: string }) => of === 'wglab');
    const sum = own.reduce((total: number, { seconds }: { seconds: number }) => total + seconds, 0);
    expect(made.ownSeconds).toBeCloseTo(sum, 1);
    expect(made.timings.some(({ of }: { of: string }) => of === 'cluster')).toBe(true);
    expect(made.totalSeconds).toBeGreaterThanOrEqual(made.ownSeconds);
    if (name === 'containerlab') expect(made.ownSeconds).toBeLessThan(5);
    expect(await json(0, 'deploy', '--name', LAB, ...prepared.args)).toMatchObject({ changed: false, nodes });
  });

  it('status shows nodes, pods, and that nothing is encrypted', async () => {
    const status = await json(0, 'status', LAB);
    expect(status).toMatchObject({ lab: LAB, engine: name, encryption: { enabled: false, waitingFor: [] } });
    expect(status.nodes.map((node: { name: string }) => node.name).sort()).toEqual([...nodes].sort());
    expect(status.nodes.every(({ ready }: { ready: boolean }) => ready)).toBe(true);
    expect(status.pods.every(({ ready }: { ready: boolean }) => ready)).toBe(true);
  });

  it('exec runs commands on nodes and in pods, with their output, input and exit status', async () => {
    const [node = ''] = nodes;
    const script = 'cat; echo error >&2; exit 7';
    const { status, stdout, stderr } = await home.shell(
      `printf 'a\\0b' | "$@" exec --lab ${LAB} ${node} -- sh -c '${script}'`,
    );
    expect([status, stdout, stderr]).toEqual([7, 'a\0b', 'error\n']);
    const { pods } = await json(0, 'status', LAB);
    const pod = pods.find(({ namespace, name: own }: { [field: string]: string }) =>
      /^(nc|proof)/.test(`${own}${namespace}`),
    );
    const { stdout: said } = await home.expects(0, [
      'exec',
      '--lab',
      LAB,
      `${pod.namespace}/${pod.name}`,
      '--',
      'hostname',
    ]);
    expect(said.trim()).toBe(pod.name);
    expect((await home.run(['exec', '--lab', LAB, 'no-such-node', '--', 'true'])).status).toBe(2);
  });

  it('capture shows the wire, and writes it for Wireshark', async () => {
    const { stdout } = await home.expects(0, [
      'capture',
      '--lab',
      LAB,
      '--count',
      '2',
      '--grep',
      'HTTP/1.1',
      '-o',
      'json',
    ]);
    const packets = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(packets).toHaveLength(2);
    for (const packet of packets)
      expect(packet).toMatchObject({ encrypted: false, description: expect.stringContaining('VXLAN') });
    const file = join(home.folder, 'some.pcap');
    const capture = home.start(['capture', '--lab', LAB, '--node', nodes[1] ?? '', '--write', file]);
    await capture.prints(/listening on/);
    await expect.poll(() => existsSync(file) && readFileSync(file).length, { timeout: 20_000 }).toBeGreaterThan(500);
    capture.child.kill('SIGINT');
    expect((await capture.ended).status).toBe(130);
    const [explained] = (await json(0, 'explain', '--lab', LAB, '--pcap', file)).packets;
    expect(explained.layers[0].name).toBe('Ethernet');
  });

  it('verify knows plaintext from ciphertext, before, during and after encryption', async () => {
    await home.expects(0, ['verify', LAB, '--expect', 'plaintext']);
    await home.expects(1, ['verify', LAB, '--expect', 'encrypted']);
    await home.expects(0, ['encrypt', 'on', LAB]);
    const result = await json(0, 'verify', LAB, '--expect', 'encrypted');
    expect(result.pairs).toHaveLength(nodes.length * (nodes.length - 1));
    // On a cluster that exists nothing is sent from pods, and diagnose says what it could not try.
    const diagnosed = await json(name === 'kubernetes' ? 3 : 0, 'diagnose', LAB);
    expect(diagnosed).toMatchObject({ broken: null, unprobed: [] });
    expect((await json(0, 'explain', '--lab', LAB)).packets[0].layers.at(-1).name).toMatch(/^WireGuard data/);
    await home.expects(1, ['verify', LAB, '--expect', 'plaintext']);
    await home.expects(0, ['encrypt', 'off', LAB]);
    await home.expects(0, ['verify', LAB, '--expect', 'plaintext']);
  });

  it('destroy takes it away, and says so too where there is nothing', async () => {
    await home.expects(0, ['destroy', LAB]);
    expect(existsSync(join(home.folder, LAB))).toBe(false);
    expect((await json(0, 'labs')).deployments).toEqual([]);
    await home.expects(2, ['status', LAB]);
  });
});
