import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { containerlabEngine as engine } from '../../../src/engine/containerlab/containerlab-engine.ts';
import { ExitCode, Failure } from '../../../src/errors.ts';
import { type Lab, readLab } from '../../../src/lab/lab.ts';
import { type ApiLab, startApiLab } from '../../kube-api/support/api-lab.ts';
import { fakeDocker } from './support/fake-docker.ts';

const NODES = ['c1-control-plane', 'c1-worker', 'c1-worker2'];
const IMAGE = 'kindest/node:v1.35.0@sha256:452d707d4862f52530247495d180205e029056831160e22870e37e3f6c1ac31f';

let lab: Lab;
let api: ApiLab;
let fake: Awaited<ReturnType<typeof fakeDocker>>;
let folder: string;
let steps: string[];
let controller: AbortController;

beforeEach(async () => {
  lab = await readLab('wireguard');
  api = await startApiLab({ nodes: NODES });
  fake = await fakeDocker({ images: [IMAGE], port: api.port, adminConf: await readFile(api.kubeconfig, 'utf8') });
  folder = join(fake.root, 'lab');
  await mkdir(folder);
  steps = [];
  controller = new AbortController();
});

afterEach(async () => {
  await api.close();
  await fake.remove();
});

function deploy(): Promise<void> {
  const request = {
    ...{ name: 'c1', lab: async () => lab, folder, signal: controller.signal },
    ...{ kubeconfig: join(folder, 'kubeconfig'), logFile: join(folder, 'log') },
  };
  return engine.start(request, {
    step: (step) => steps.push(step),
    update: (text) => steps.push(`… ${text}`),
    info: (text) => steps.push(`! ${text}`),
    timed: (_name, _of, work) => work(),
  }).ready;
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (error instanceof Failure) return error;
  throw new Error(`not a failure: ${error}`);
}

describe('the containerlab engine, on recorded answers of docker and containerlab', () => {
  test('makes what the topology says, under the name of the deployment, and can be asked again', async () => {
    await deploy();
    const [call] = await fake.calls('containerlab deploy');
    expect(call).toBe(`containerlab deploy --topo ${folder}/containerlab/topology.clab.yml --reconfigure`);
    expect(steps.filter((step) => /^(Asking|Making|Putting|Starting)/.test(step))).toEqual([
      'Asking Docker and containerlab (at most 15 s each)',
      'Making the nodes (at most 15 min)',
      'Putting images onto the nodes (at most 10 min)',
    ]);
    expect(steps).toContain('kind: Preparing nodes');
    expect(steps).toContain('kind: Joining worker nodes');
    const topology = await readFile(join(folder, 'containerlab/topology.clab.yml'), 'utf8');
    expect(topology).toContain(`kubeconfig: ${folder}/kubeconfig`);
    expect(topology).toContain(`image: ${IMAGE}`);
    expect(await engine.isRunning(folder)).toBe(true);

    await deploy();
    expect(await fake.calls('containerlab deploy')).toHaveLength(1);
    expect(steps).toContain(`! the nodes run already: ${NODES.join(', ')}`);

    await engine.destroy(folder);
    expect(await engine.isRunning(folder)).toBe(false);
    expect(await fake.now()).toMatchObject({ containers: [], networks: ['bridge'] });
    expect(existsSync(join(folder, 'containerlab'))).toBe(false);
  });

  test("a kubeconfig that is empty, or root's, is made of the control plane's own, for the published port", async () => {
    await writeFile(join(folder, 'kubeconfig.lock'), ''); // of a kind that was killed
    await deploy(); // the stand-in, like kind where it cannot write, leaves the prepared file empty
    expect(existsSync(join(folder, 'kubeconfig.lock'))).toBe(false);
    const file = join(folder, 'kubeconfig');
    expect(await readFile(file, 'utf8')).toContain(`server: https://127.0.0.1:${api.port}\n`);
    expect(await readFile(file, 'utf8')).toContain('current-context: kind-c1');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('a destroy that exits 0 and leaves the cluster is finished by hand', async () => {
    await deploy();
    await fake.change({ destroyLeaves: true });
    await engine.destroy(folder);
    expect(await fake.calls('docker rm')).toEqual([`docker rm --force --volumes ${NODES.join(' ')}`]);
    expect((await fake.now()).containers).toEqual([]);
  });

  test('networks that were there before, or are in use, stay', async () => {
    await fake.change({ networks: ['bridge', 'kind'] });
    await deploy();
    const { containers } = await fake.now();
    await fake.change({
      containers: [...containers, { name: 'other', state: 'running', lab: 'other', network: 'clab' }],
    });
    await engine.destroy(folder);
    expect(await fake.now()).toMatchObject({ networks: ['bridge', 'kind', 'clab'], containers: [{ name: 'other' }] });
  });

  test('the name of a cluster that is not ours is refused, and that cluster left alone', async () => {
    const theirs = [{ name: 'c1-control-plane', state: 'running', cluster: 'c1' }];
    await fake.change({ containers: theirs });
    const failure = await failureOf(deploy());
    expect(failure).toMatchObject({ exitCode: ExitCode.labFailed, message: expect.stringContaining('"c1" already') });
    await engine.destroy(folder);
    expect((await fake.now()).containers).toEqual(theirs);
  });

  test('an API that comes up late is waited for', async () => {
    const proxy = createServer((from) => {
      const to = connect(api.port, '127.0.0.1');
      from.pipe(to).pipe(from);
      for (const socket of [from, to]) socket.on('error', () => socket.destroy());
    });
    const port = await freePort();
    await fake.change({ port });
    const waits = () => steps.some((step) => /^… the Kubernetes API, for at most \d+ s \(.*ECONNREFUSED/.test(step));
    const deployed = deploy();
    await expect.poll(waits, { timeout: 50_000 }).toBe(true);
    proxy.listen(port, '127.0.0.1');
    await deployed;
    proxy.close();
  });

  test('what is missing is made again; what a reboot stopped is started', async () => {
    await deploy();
    const { containers } = await fake.now();
    await fake.change({ containers: containers.map((container) => ({ ...container, state: 'exited' })) });
    await deploy();
    expect(await fake.calls('docker start')).toEqual([`docker start ${NODES.join(' ')}`]);
    expect(await fake.calls('containerlab deploy')).toHaveLength(1);
    await fake.change({ containers: containers.slice(1) });
    await deploy();
    expect(await fake.calls('containerlab deploy')).toHaveLength(2);
    expect((await fake.now()).containers).toHaveLength(3);
  });

  test('an image that cannot be pulled is named, with what to do, and nothing is begun', async () => {
    await fake.change({ images: [] });
    const failure = await failureOf(deploy());
    expect(failure.exitCode).toBe(ExitCode.labFailed);
    expect(failure.message).toBe(`the image ${IMAGE} is not here and cannot be pulled`);
    expect(failure.detail).toContain('no such host');
    expect(failure.remedy).toContain('wglab pull');
    expect(existsSync(join(folder, 'containerlab'))).toBe(false);
  });

  test('an image out of a file, which has lost its digest, will do', async () => {
    await fake.change({ images: ['kindest/node:v1.35.0'] });
    await deploy();
    expect(await readFile(join(folder, 'containerlab/topology.clab.yml'), 'utf8')).toContain(
      'image: kindest/node:v1.35.0\n',
    );
  });

  test('images that cannot be put onto the nodes are left to them to pull, and it is said', async () => {
    const { images } = await fake.now();
    await fake.change({ images: [...images, 'busybox:1.36'] }); // the stand-in cannot save it
    await deploy();
    expect(steps).toContainEqual(
      expect.stringMatching(/^! an image could not be put onto a node, so that nodes pull it \(.*no docker save/),
    );
    expect(await engine.isRunning(folder)).toBe(true);
  });

  test('an import that containerd broke off is made again', async () => {
    lab = { ...lab, workloads: withImage(lab.workloads, 'saved/image:1') };
    await fake.change({ images: [IMAGE, 'saved/image:1'], importsFail: 2 });
    await deploy();
    expect(steps).toContain('! put onto the nodes: saved/image:1');
  });

  test('nodes that run already get the images that they lack, and no others', async () => {
    lab = { ...lab, workloads: withImage(lab.workloads, 'saved/image:1') };
    await deploy();
    await fake.change({ images: [IMAGE, 'saved/image:1'] });
    await deploy();
    expect(steps).toContain('! put onto the nodes: saved/image:1');
    await fake.change({ nodeImages: ['docker.io/saved/image:1'] });
    await deploy();
    expect(await fake.calls('docker save')).toHaveLength(1);
  });

  test('what the kubelet says is the reason of a run that fails', async () => {
    const line = 'kubelet\tE1127 15:40:12 231 run.go:72] "command failed" err="no cgroups"';
    await fake.change({ nodeSays: Array(3).fill(line).join('\n'), failsAtControlPlane: true });
    const failure = await failureOf(deploy());
    expect(failure.message).toBe('c1-control-plane does not come up: kubelet: no cgroups');
    expect(existsSync(join(fake.root, '.logs/c1/c1-worker2.log'))).toBe(true);
  });

  test('containers that are missing after a successful run are reported as containerlab sees them', async () => {
    await fake.change({ makesOnly: 2 });
    const failure = await failureOf(deploy());
    expect(failure.message).toBe('containerlab ended well, but these do not run: c1-worker2');
    expect(failure.detail).toBe(
      'containerlab inspect says:\nc1-control-plane: running, Up 2 seconds\nc1-worker: running, Up 2 seconds',
    );
  });

  test('Ctrl-C in the middle stops containerlab, and what it had made is removed', async () => {
    await fake.change({ hangs: true });
    const deploying = deploy();
    const stopped = new Failure(ExitCode.interrupted, 'interrupted');
    while (!steps.includes('kind: Preparing nodes')) await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(stopped);
    expect(await failureOf(deploying)).toBe(stopped);
    await engine.destroy(folder);
    expect(await fake.now()).toMatchObject({ containers: [], networks: ['bridge'] });
  });

  test("a failed run is reported with its command line and the tool's last lines", async () => {
    await fake.change({ containerlabSays: ['20:24:50 ERRO node "c1" deploy: something new'] });
    const failure = await failureOf(deploy());
    expect(failure.detail).toMatch(/^\$ .*containerlab deploy --topo .*\nnode "c1" deploy: something new$/);
  });

  test('a Docker that does not answer is distinguished from one that may not be used', async () => {
    await fake.change({ dockerSays: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' });
    expect(await failureOf(deploy())).toMatchObject({ exitCode: ExitCode.lacking, message: 'Docker does not answer' });
    await fake.change({ dockerSays: 'Got permission denied while trying to connect to the Docker daemon socket' });
    expect((await failureOf(deploy())).remedy).toContain('usermod -aG docker');
  });

  test('stray CLAB_ variables do not reach containerlab', async () => {
    await writeFile(join(fake.root, 'containerlab'), `#!/bin/sh\nenv | grep ^CLAB_ >> "${fake.root}/clab-env"\n`);
    process.env.CLAB_DEPLOY_MAX_WORKERS = '1';
    await deploy().catch(() => undefined);
    delete process.env.CLAB_DEPLOY_MAX_WORKERS;
    expect([...new Set((await readFile(join(fake.root, 'clab-env'), 'utf8')).trim().split('\n'))]).toEqual([
      'CLAB_VERSION_CHECK=disable',
    ]);
  });
});

function withImage(workloads: Lab['workloads'], image: string): Lab['workloads'] {
  return JSON.parse(JSON.stringify(workloads), (key, value) => (key === 'image' ? image : value));
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
