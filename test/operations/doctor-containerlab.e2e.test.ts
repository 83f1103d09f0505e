import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { examineContainerlab } from '../../src/engine/containerlab/doctor/containerlab.ts';
import { freeSubnet, type Subnets, subnetClashes } from '../../src/engine/containerlab/doctor/subnets.ts';
import { type Lab, readLab } from '../../src/lab/lab.ts';
import { fakeDocker } from '../engine/containerlab/support/fake-docker.ts';

const LAB = {
  wanted: ['192.168.0.0/16', '10.96.0.0/16'],
  routes: 'default via 10.0.2.2 dev eth0\n10.0.2.0/24 dev eth0 proto kernel scope link src 10.0.2.15\n',
  networks: [{ name: 'bridge', subnets: ['172.17.0.0/16'] }],
  pools: [
    { Base: '172.17.0.0/16', Size: 16 },
    { Base: '172.18.0.0/16', Size: 16 },
    { Base: '192.168.0.0/16', Size: 20 },
  ],
  management: { name: 'clab', subnets: ['172.20.20.0/24', '3fff:172:20:20::/64'] },
} satisfies Subnets;

const seen = (change: Partial<Subnets>) => subnetClashes({ ...LAB, ...change }).map((clash) => clash.seen);
const route = (network: string) => `${LAB.routes}${network} dev tun0 scope link\n`;

describe('networks', () => {
  test('that are nowhere in the way', () => {
    expect(seen({})).toEqual([]);
    const made = [...LAB.networks, { name: 'kind', subnets: ['172.18.0.0/16'] }, LAB.management];
    // Their own routes are no clash once they are there.
    const routes = `${route('172.18.0.0/16')}172.20.20.0/24 dev br-0 proto kernel\n3fff:172:20:20::/64 dev br-0\n`;
    expect(seen({ networks: made, routes })).toEqual([]);
    expect(seen({ networks: undefined })).toEqual([]);
  });

  test.each<[string, Partial<Subnets>, string]>([
    ['pods and a route', { routes: route('192.168.1.0/24') }, '192.168.0.0/16 is also routed here: 192.168.1.0/24'],
    [
      'IPv6 pods and a route',
      { wanted: ['fd00:10:244::/56'], routes: route('fd00:10:244:0:1::/80') },
      'fd00:10:244::/56 is also routed here: fd00:10:244:0:1::/80',
    ],
    [
      'services and a network of Docker that is not up',
      { networks: [{ name: 'mine', subnets: ['10.96.0.0/24'] }] },
      "10.96.0.0/16 is also Docker's network mine, 10.96.0.0/24",
    ],
    [
      "containerlab's and a route",
      { routes: route('172.16.0.0/12') },
      "containerlab's network clab: 172.20.20.0/24 is also",
    ],
    [
      "containerlab's and another network of Docker's",
      { networks: [{ name: 'mine', subnets: ['172.20.0.0/16'] }] },
      "containerlab's network clab: 172.20.0.0/16 is Docker's network mine",
    ],
    [
      'what Docker would give kind, and pods',
      { networks: [...LAB.networks, { name: 'mine', subnets: ['172.18.0.0/16'] }] },
      "192.168.0.0/16 is also where Docker would make kind's network, 192.168.0.0/20",
    ],
    [
      "all of Docker's pools and routes",
      { routes: `${route('172.18.0.0/16')}192.168.0.0/16 dev tun1\n`, wanted: [] },
      "Docker's pools have no free network for kind's",
    ],
  ])('that clash: %s', (_, change, what) => {
    expect(seen(change)).toContainEqual(expect.stringContaining(what));
    for (const { remedy } of subnetClashes({ ...LAB, ...change })) expect(remedy).not.toBe('');
  });

  test("Docker's next subnet is the first of its pools that nothing uses", () => {
    expect(freeSubnet(LAB.pools, ['172.17.0.0/24', '172.18.4.4/32', '192.168.3.0/24'])).toBe('192.168.16.0/20');
    expect(freeSubnet(LAB.pools, ['0.0.0.0/0'])).toBeUndefined();
  });
});

describe('with stand-ins for Docker and containerlab', () => {
  let fake: Awaited<ReturnType<typeof fakeDocker>>;
  let lab: Lab;

  beforeEach(async () => {
    fake = await fakeDocker({ networks: ['bridge'], subnets: { bridge: ['172.17.0.0/16'] } });
    vi.stubEnv('WGLAB_HOME', fake.root);
    lab = await readLab('wireguard');
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await fake.remove();
  });

  const check = async (name: string) => (await examineContainerlab(lab)).checks.find((one) => one.name === name);

  test('all images of the lab are looked for, without network', async () => {
    expect(await check('other images')).toMatchObject({
      ok: 'warning',
      seen: expect.stringMatching(/^not here: Calico's manifests and the operator of v3\.32\.1, .* and \d+ more; they/),
      remedy: 'wglab pull',
    });
    const folder = join(fake.root, '.cache', 'calico-v3.32.1');
    await mkdir(folder, { recursive: true });
    const operator = 'apiVersion: apps/v1\nkind: Deployment\nspec:\n  image: quay.io/tigera/operator:v1.42.3\n';
    await writeFile(join(folder, 'tigera-operator.yaml'), operator);
    const calico = ['node', 'cni', 'kube-controllers', 'typha', 'apiserver', 'pod2daemon-flexvol'];
    const images = ['quay.io/tigera/operator:v1.42.3', ...calico.map((name) => `quay.io/calico/${name}:v3.32.1`)];
    await fake.change({ images: [...images.slice(0, -1), 'kindest/node'] });
    const missing = (await check('other images'))?.seen ?? '';
    expect(missing).toContain('not here: quay.io/calico/pod2daemon-flexvol:v3.32.1');
    const pods = missing
      .replace(/^not here: |; they.*$/g, '')
      .split(', ')
      .slice(1);
    await fake.change({ images: [...images, ...pods] });
    expect(await check('other images')).toMatchObject({
      ok: true,
      seen: `all ${images.length + pods.length} are here`,
    });
  });

  test("Docker's own pools and networks are looked at", async () => {
    await fake.change({
      info: {
        ServerVersion: '28.2.2',
        CgroupVersion: '2',
        DefaultAddressPools: [{ Base: '192.168.64.0/20', Size: 24 }],
      },
    });
    expect(await check('subnets')).toMatchObject({
      ok: 'warning',
      seen: expect.stringContaining("192.168.0.0/16 is also where Docker would make kind's network, 192.168.64.0/24"),
    });
  });
});
