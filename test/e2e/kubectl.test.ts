import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AppsV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  PatchStrategy,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBECTLS, NO_KUBECTL } from './support/kubectl.ts';
import { A, B, KubectlLab, listens, MANIFESTS, NODES, ncPod, podManifest, WAITS } from './support/kubectl-lab.ts';
import { until } from './support/until.ts';

/** But those for a cluster of both families, which this lab is not: see dual-stack.test.ts. */
const manifestFiles = readdirSync(MANIFESTS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml') && !file.startsWith('calico-dual-stack/'))
  .map((file) => join(MANIFESTS, file));

/** Counts until it gets a signal to stop, and then ends with a status of its own. */
const COUNTER = podManifest(
  'counter',
  '[sh, -c, "i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo line $i; usleep 20000; done; exit 3"]',
  'Never',
);

const POD_COLUMNS = [...'NAME READY STATUS RESTARTS AGE IP NODE'.split(' '), 'NOMINATED NODE', 'READINESS GATES'];

const lab = new KubectlLab();
beforeAll(() => lab.deploy());
afterAll(() => lab.end());

describe.skipIf(NO_KUBECTL)('an embedded lab by an unchanged kubectl', () => {
  describe.each(KUBECTLS)('%s', (binary) => {
    const kubectl = lab.kubectl(binary);
    const { told, refused } = kubectl;

    /** A namespace of the test's own. */
    const makeNamespace = async () => {
      const name = `test-${randomBytes(4).toString('hex')}`;
      expect(await told(`create ns ${name}`)).toBe(`namespace/${name} created\n`);
      return name;
    };

    it('shows the cluster', async () => {
      const nodes = await told('get nodes -o wide');
      expect(nodes.trim().split('\n')).toHaveLength(4);
      expect(nodes).toMatch(/^wireguard-control-plane +Ready +control-plane +\S+ +v1\.\S+ +172\.18\.0\.2 +<none> /m);
      expect(nodes).toMatch(/^wireguard-worker2 +Ready +<none> +\S+ +v1\.\S+ +172\.18\.0\.4 +<none> /m);
      const pods = await told('get pods -A -o wide');
      expect(pods).toMatch(/^default +frontend-\S+ +1\/1 +Running +0 +\S+ +192\.168\.\d+\.\d+ +wireguard-worker2? /m);
      const nc = (await told('get pods -n nc -o wide')).trim().split('\n');
      expect(nc[0]?.split(/ {2,}/)).toEqual(POD_COLUMNS);
      expect(nc).toHaveLength(4);
      expect(await told('get nodes -o yaml')).toMatch(/projectcalico.org\/IPv4VXLANTunnelAddr: 192\.168\./);
      const { name } = await ncPod(kubectl, A);
      expect(await told(`get pod -n nc ${name} -o jsonpath={.spec.nodeName}/{.status.phase}`)).toBe(`${A}/Running`);
      const felix = await told('get felixconfiguration default -o yaml');
      expect(felix).toMatch(/^spec:\n(?: .*\n)* {2}wireguardEnabled: false$/m);
      expect(await told('get ippools')).toMatch(/^default-ipv4-ippool /m);
      const resources = await told('api-resources');
      expect(resources).toMatch(/^felixconfigurations +projectcalico.org\/v3 +false +FelixConfiguration$/m);
      expect((await kubectl.run('version')).stdout).toMatch(/^Server Version: v1\./m);
      expect(await told('cluster-info')).toContain('Kubernetes control plane');
    });

    it('tells what became of a pod', async () => {
      const ns = await makeNamespace();
      await told(`apply -n ${ns} -f -`, podManifest('sleeper', WAITS));
      const waited = await told(`wait -n ${ns} --for=condition=ready pod/sleeper --timeout=20s`);
      expect(waited).toBe('pod/sleeper condition met\n');
      const text = await told(`describe pod -n ${ns} sleeper`);
      expect(text).toMatch(/^Service Account: +default$/m);
      expect(text).toMatch(/^Node: +wireguard-worker2?\/172\.18\.0\.[34]$/m);
      expect(text).toMatch(/^IP: +192\.168\.\d+\.\d+$/m);
      expect(text).toMatch(/^ +State: +Running$/m);
      expect(text).toMatch(/^ +PodScheduled +True/m);
      const events = text.slice(text.indexOf('Events:')).match(/^ +Normal.*$/gm) ?? [];
      expect(
        events.map((line) => line.trim().split(/ {2,}/)).map(([, reason, , ...rest]) => [reason, ...rest]),
      ).toEqual([
        [
          'Scheduled',
          'default-scheduler',
          expect.stringContaining(`Successfully assigned ${ns}/sleeper to wireguard-`),
        ],
        ['Pulled', 'kubelet', 'Container image "busybox:1.36" already present on machine'],
        ['Created', 'kubelet', 'Created container: sleeper'],
        ['Started', 'kubelet', 'Started container sleeper'],
      ]);
      await told(`delete pod -n ${ns} sleeper`);
      const after = await told(`get events -n ${ns}`);
      expect(after).toMatch(/ Normal +Killing +pod\/sleeper +Stopping container sleeper$/m);
    });

    it('reads logs, follows them to the end, and knows how the container ended', async () => {
      const ns = await makeNamespace();
      await told(`apply -n ${ns} -f -`, COUNTER);
      await told(`wait -n ${ns} --for=condition=ready pod/counter --timeout=20s`);
      const all = kubectl.start(`logs -n ${ns} counter -f`);
      const latest = kubectl.start(`logs -n ${ns} counter -f --tail=1`);
      const [, first] = await latest.prints(/^line (\d+)\n/);
      await latest.prints(new RegExp(`^line ${Number(first) + 5}$`, 'm'));
      await told(`exec -n ${ns} counter -- touch /tmp/stop`);
      expect(await Promise.all([all.ended, latest.ended])).toEqual([0, 0]);
      const lines = all.stdout.trimEnd().split('\n');
      expect(lines).toEqual(lines.map((_, i) => `line ${i + 1}`));
      expect(all.stdout.endsWith(latest.stdout)).toBe(true);
      expect(await told(`logs -n ${ns} counter --tail=3`)).toBe(`${lines.slice(-3).join('\n')}\n`);
      await told(`wait -n ${ns} --for=jsonpath={.status.phase}=Failed pod/counter --timeout=10s`);
      const exitCode = '{.status.containerStatuses[0].state.terminated.exitCode}';
      expect(await told(`get pod -n ${ns} counter -o jsonpath=${exitCode}`)).toBe('3');
      expect(await told(`get pods -n ${ns}`)).toMatch(/^counter +0\/1 +Error +0 /m);
    });

    it('pipes through a command and gives its exit status', async () => {
      const { name } = await ncPod(kubectl, A);
      const input = randomBytes(400_000).toString('base64');
      const script = 'cat; echo told >&2; exit 7';
      const outcome = await kubectl.run(['exec', '-i', '-n', 'nc', name, '--', 'sh', '-c', script], input);
      expect(outcome.stdout === input).toBe(true);
      expect(outcome).toMatchObject({ status: 7, stderr: 'told\ncommand terminated with exit code 7\n' });
      expect(await told(`exec -n nc ${name} -- hostname`)).toBe(`${name}\n`);
      expect(await kubectl.run(`exec -n nc ${name} -- no-such-command`)).toMatchObject({ status: 127, stdout: '' });
    });

    it('copies files there and back', async () => {
      const { name } = await ncPod(kubectl, A);
      const [file, copy] = [join(lab.folder, 'file'), join(lab.folder, 'copy')];
      writeFileSync(file, randomBytes(200_000));
      await told(`cp ${file} nc/${name}:/tmp/there`);
      await kubectl.run(`cp nc/${name}:/tmp/there ${copy}`); // tar says that it takes the first / away
      expect(readFileSync(copy).equals(readFileSync(file))).toBe(true);
    });

    it('opens a shell in a terminal', async () => {
      const { name } = await ncPod(kubectl, A);
      const terminal = kubectl.terminal(`exec -it -n nc ${name} -- sh`);
      // As in Kubernetes, the shell may be there a moment before the size of its terminal is.
      const waitFor = (size: string) => `until [ "$(stty size)" = "${size}" ]; do usleep 10000; done`;
      terminal.type(`${waitFor('30 100')}; hostname\r`);
      await terminal.prints(new RegExp(`^${name}\r$`, 'm'));
      terminal.resize(132, 43);
      terminal.type(`${waitFor('43 132')}; echo resized\r`);
      await terminal.prints(/^resized\r$/m);
      terminal.type('echo sleeps; sleep 1000\r');
      await terminal.prints(/^sleeps\r$/m);
      terminal.type('\x03');
      terminal.type('echo "status $?"\r');
      await terminal.prints(/^status 130\r$/m);
      terminal.type('exit 5\r');
      expect(await terminal.ended).toBe(5);
    });

    it('holds a conversation by nc between two nodes', async () => {
      const [a, b] = [await ncPod(kubectl, A), await ncPod(kubectl, B)];
      const server = kubectl.start(`exec -i -n nc ${a.name} -- nc -l -p 12321`);
      await listens(kubectl, a.name, 12321);
      const client = kubectl.start(`exec -i -n nc ${b.name} -- nc ${a.address} 12321`);
      client.type('hello from the client\n');
      await server.prints(/^hello from the client$/m);
      server.type('hello from the server\n');
      await client.prints(/^hello from the server$/m);
      client.type('and again\n');
      await server.prints(/^and again$/m);
      server.endInput();
      client.endInput();
      expect(await Promise.all([server.ended, client.ended])).toEqual([0, 0]);
    });

    it('applies every manifest, and changes nothing the second time', async () => {
      const files = manifestFiles.flatMap((file) => ['-f', file]);
      await told(['apply', ...files]);
      const second = (await told(['apply', ...files])).trimEnd().split('\n');
      expect(second.length).toBeGreaterThanOrEqual(8);
      expect(second.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
    });

    it('deploys, scales and deletes; nothing stays of the pods', async () => {
      const ns = await makeNamespace();
      const manifest = readFileSync(join(MANIFESTS, 'frontend-backend.yaml'), 'utf8');
      const interfaces = await lab.podInterfaces();
      const { namespaces } = lab.home.census();
      await told(`apply -n ${ns} -f -`, manifest);
      await told(`rollout status deployment/frontend -n ${ns} --timeout=20s`);
      await told(`rollout status deployment/backend -n ${ns} --timeout=20s`);
      const requests = kubectl.start(`logs -n ${ns} deployment/frontend -f`);
      await requests.prints(/GET \/api\/users: \d+ characters/);
      expect(await told(`scale deployment backend -n ${ns} --replicas=3`)).toBe('deployment.apps/backend scaled\n');
      await told(`wait -n ${ns} deployment/backend --for=jsonpath={.status.readyReplicas}=3 --timeout=20s`);
      const addresses = await told(`get endpoints backend -n ${ns} -o jsonpath={.subsets[0].addresses[*].ip}`);
      expect(new Set(addresses.split(' ')).size).toBe(3);
      expect(await lab.podInterfaces()).toHaveLength(interfaces.length + 4);
      await told(`scale deployment backend -n ${ns} --replicas=0`);
      await told(`wait -n ${ns} --for=delete pod -l app=backend --timeout=20s`);
      const deleted = await told(`delete -n ${ns} -f -`, manifest);
      expect(deleted).toMatch(/^deployment.apps "frontend" deleted/m);
      await told(`wait -n ${ns} --for=delete pod -l app=frontend --timeout=20s`);
      expect(await requests.ended).toBe(0);
      expect(await lab.podInterfaces()).toEqual(interfaces);
      const added = () => lab.home.census().namespaces.filter((one) => !namespaces.includes(one));
      await until(
        () => `${added()} to be gone`,
        () => added().length === 0,
      );
    });

    it('restarts a DaemonSet: every pod is another one', async () => {
      const uids = () => told('get pods -n nc -l app=nc -o jsonpath={.items[*].metadata.uid}');
      const before = (await uids()).split(' ');
      const { name } = await ncPod(kubectl, B);
      await told(`exec -n nc ${name} -- touch /tmp/mine`);
      expect(await told('rollout restart daemonset/nc -n nc')).toBe('daemonset.apps/nc restarted\n');
      expect(await told('rollout status daemonset/nc -n nc --timeout=30s')).toContain('successfully rolled out');
      const after = (await uids()).split(' ');
      expect(after).toHaveLength(before.length);
      expect(after.filter((uid) => before.includes(uid))).toEqual([]);
      const replaced = await ncPod(kubectl, B);
      expect((await kubectl.run(`exec -n nc ${replaced.name} -- test -e /tmp/mine`)).status).toBe(1);
      expect(await refused(`exec -n nc ${name} -- true`)).toContain(`pods "${name}" not found`);
    });

    it('watches pods come and go', async () => {
      const ns = await makeNamespace();
      await told(`apply -n ${ns} -f -`, podManifest('early', WAITS));
      const watching = kubectl.start(`get pods -n ${ns} -w --output-watch-events`);
      await watching.prints(/^ADDED +early /m);
      await told(`apply -n ${ns} -f -`, podManifest('sleeper', WAITS));
      await watching.prints(/^ADDED +sleeper +0\/1 +Pending/m);
      await watching.prints(/^MODIFIED +sleeper +0\/1 +ContainerCreating/m);
      await watching.prints(/^MODIFIED +sleeper +1\/1 +Running/m);
      await told(`delete -n ${ns} pod sleeper`);
      await watching.prints(/^MODIFIED +sleeper +1\/1 +Terminating/m);
      await watching.prints(/^DELETED +sleeper /m);
      await watching.stop();
    });

    it.each([
      ['get gateways', '', `error: the server doesn't have a resource type "gateways"\n`],
      ['get pods -n nc nobody', '', 'Error from server (NotFound): pods "nobody" not found\n'],
      ['apply -n nowhere -f -', COUNTER, 'error when creating "STDIN": namespaces "nowhere" not found\n'],
      ['apply -f -', COUNTER.replace('restartPolicy', 'restartPolicies'), 'unknown field "spec.restartPolicies"'],
      ['apply -f -', COUNTER.replace('kind: Pod', 'kind: Toaster'), 'no matches for kind "Toaster" in version "v1"'],
      [
        'create -f -',
        COUNTER.replace('Never', '3'),
        'cannot unmarshal number 3 into Go struct field PodSpec.spec.restartPolicy of type string',
      ],
      ['exec -n nc daemonset/nc -c other -- sh', '', 'container other is not valid for pod nc-'],
      ['exec -n nc nobody -- sh', '', 'pods "nobody" not found'],
      ['wait --for=condition=ready node/nobody --timeout=1s', '', 'nodes "nobody" not found'],
    ])('fails as Kubernetes does: %s', async (args, input, words) => {
      const said = await refused(args, input);
      expect(said).toContain(words);
      expect(said).not.toMatch(/\n\s+at |panic/);
    });
  });
});

describe('an embedded lab by client-node', () => {
  const config = new KubeConfig();
  beforeAll(() => config.loadFromFile(lab.kubeconfig));
  const pods = async (labelSelector: string) => {
    const { items } = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces({ labelSelector });
    return items.map(({ metadata, status }) => ({ name: metadata?.name ?? '', phase: status?.phase }));
  };

  it('lists nodes, and runs a command in a pod', async () => {
    const { items } = await config.makeApiClient(CoreV1Api).listNode();
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(NODES);
    const [backend] = await pods('app=backend');
    expect(backend?.phase).toBe('Running');
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const argv = ['sh', '-c', 'read line; echo "got $line"; echo bad >&2; exit 4'];
    const ended = new Promise<V1Status>((resolve, reject) => {
      const exec = new Exec(config);
      exec.exec('default', backend?.name ?? '', 'backend', argv, stdout, stderr, stdin, false, resolve).catch(reject);
    });
    stdin.end('hello\n');
    const causes = [{ reason: 'ExitCode', message: '4' }];
    expect(await ended).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes } });
    expect([String(stdout.read()), String(stderr.read())]).toEqual(['got hello\n', 'bad\n']);
  });

  it('follows a log, scales, and watches', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const [frontend] = await pods('app=frontend');
    const log = new PassThrough();
    const following = await new Log(config).log('default', frontend?.name ?? '', 'frontend', log, { follow: true });
    let said = '';
    log.on('data', (chunk) => {
      said += chunk;
    });
    await until('two requests', () => (said.match(/GET \/api\/config: \d+ characters/g) ?? []).length >= 2);
    following.abort();

    const seen: string[] = [];
    const watching = await new Watch(config).watch(
      '/api/v1/namespaces/default/pods',
      { labelSelector: 'app=backend' },
      (type, pod) => seen.push(`${type} ${pod.status.phase}`),
      () => undefined,
    );
    const scale = (replicas: number) =>
      apps.replaceNamespacedDeploymentScale({
        name: 'backend',
        namespace: 'default',
        body: { metadata: { name: 'backend', namespace: 'default' }, spec: { replicas } },
      });
    await scale(2);
    await until(
      'a second pod',
      async () => (await pods('app=backend')).filter((pod) => pod.phase === 'Running').length === 2,
    );
    await scale(1);
    await until(
      () => `the end of one in ${seen}`,
      () => seen.at(-1) === 'DELETED Running',
    );
    watching.abort();
    expect(seen).toEqual(expect.arrayContaining(['ADDED Running', 'ADDED Pending', 'MODIFIED Running']));
  });

  it('makes pods and deletes them at any moment, and nothing of them stays', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const interfaces = await lab.podInterfaces();
    const { namespaces } = lab.home.census();
    const comeAndGo = async (i: number) => {
      const [name, namespace] = [`passing-${i}`, 'default'];
      const command = i % 3 === 0 ? ['true'] : ['sleep', '1000'];
      const containers = [{ name: 'c', image: 'busybox', command }];
      const spec = {
        nodeName: i % 2 === 0 ? A : B,
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 1,
        containers,
      };
      await core.createNamespacedPod({ namespace, body: { metadata: { name }, spec } });
      await delay(i * 8);
      await core.deleteNamespacedPod({ namespace, name, ...(i % 4 < 2 ? { gracePeriodSeconds: 0 } : {}) });
    };
    await Promise.all(Array.from({ length: 40 }, (_, i) => comeAndGo(i)));
    const added = () => lab.home.census().namespaces.filter((one) => !namespaces.includes(one));
    await until(
      () => `${added()} to be gone`,
      () => added().length === 0,
    );
    expect(await lab.podInterfaces()).toEqual(interfaces);
    // Felix, who would stumble over what is left of one, goes on with its work.
    const objects = KubernetesObjectApi.makeApiClient(config);
    const felix = { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name: 'default' } };
    for (const wireguardEnabled of [true, false]) {
      const change = { ...felix, spec: { wireguardEnabled } };
      await objects.patch(change, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
      await lab.showsOn([A, B], 'ip rule', wireguardEnabled ? /^99:/m : /^0:.*\n32766:/);
    }
  });

  it('patches and applies', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const felix = { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name: `node.${B}` } };
    const apply = (spec: object) =>
      objects.patch({ ...felix, spec }, undefined, undefined, 'test', true, PatchStrategy.ServerSideApply);
    await apply({ wireguardMTU: 1400 });
    const merge = { ...felix, spec: { wireguardKeepAlive: '5s' } };
    await objects.patch(merge, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
    expect(await objects.read(felix)).toMatchObject({ spec: { wireguardMTU: 1400, wireguardKeepAlive: '5s' } });
    await expect(apply({ wireguardMTU: 'big' })).rejects.toThrow('.spec.wireguardMTU: expected integer');
    await expect(apply({ wireguardMTU: 70000 })).rejects.toMatchObject({ code: 422 });
    await objects.delete(felix);
    await expect(objects.read(felix)).rejects.toMatchObject({ code: 404 });
  });
});
