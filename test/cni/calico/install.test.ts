import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { calicoImages } from '../../../src/cni/calico/images.ts';
import { installCalico } from '../../../src/cni/calico/install.ts';
import { objectsIn, readRelease } from '../../../src/cni/calico/release.ts';
import { Cluster } from '../../../src/kube/cluster.ts';
import { readLab } from '../../../src/lab/lab.ts';
import type { Manifest } from '../../../src/lab/manifests.ts';
import { startApiLab } from '../../kube-api/support/api-lab.ts';
import { startCrdServer } from '../support-server.ts';

/** In the form of the release's files (v3.32.1), cut to a few objects and lines. */
const CRDS = `# crd.projectcalico.org/v1 and operator.tigera.io/v1 APIs
---
# Source: crd.projectcalico.org.v1/templates/operator.tigera.io_installations.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.18.0
  name: installations.operator.tigera.io
spec:
  group: operator.tigera.io
  names:
    kind: Installation
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: tigerastatuses.operator.tigera.io
spec:
  group: operator.tigera.io
  names:
    kind: TigeraStatus
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: apiservers.operator.tigera.io
spec:
  group: operator.tigera.io
  names:
    kind: APIServer
`;
const OPERATOR = `apiVersion: v1
kind: Namespace
metadata:
  name: tigera-operator
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tigera-operator
  namespace: tigera-operator
spec:
  template:
    spec:
      containers:
        - name: tigera-operator
          image: quay.io/tigera/operator:v1.42.3
`;

const OPERATOR_PATH = '/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator';
const STATUS = '/apis/operator.tigera.io/v1/tigerastatuses';
const AVAILABLE = { status: { conditions: [{ type: 'Available', status: 'True' }] } };

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function install(server: Awaited<ReturnType<typeof startCrdServer>>, limitMs = 10_000) {
  close = server.close;
  const folder = join(server.folder, 'release');
  await mkdir(folder);
  await writeFile(join(folder, 'operator-crds.yaml'), CRDS);
  await writeFile(join(folder, 'tigera-operator.yaml'), OPERATOR);
  const lab = await readLab('wireguard');
  const cluster = Cluster.connect(server.kubeconfig);
  const said: string[] = [];
  const took: string[] = [];
  const apply = async (manifests: readonly Manifest[]) => {
    for (const { object } of manifests) await cluster.apply(object);
  };
  const done = installCalico(cluster, {
    ...{ source: { version: 'v3.32.1', folder }, manifests: lab.cniManifests, apply, limitMs },
    ...{ step: (text: string) => said.push(text), update: (text: string) => said.push(text) },
    timed: (name, of, work) => {
      took.push(`${name} (${of})`);
      return work();
    },
    signal: new AbortController().signal,
  });
  return { done, said, took };
}

/** Does what the operator does, when it is asked. */
function operator(server: () => Awaited<ReturnType<typeof startCrdServer>>, made: Record<string, object>) {
  return (path: string, objects: Map<string, Record<string, unknown>>) => {
    if (path === OPERATOR_PATH) objects.set(OPERATOR_PATH, { status: { availableReplicas: 1 } });
    if (path.endsWith('/installations/default')) {
      for (const [at, object] of Object.entries(made)) objects.set(at, object as Record<string, unknown>);
      setTimeout(() => server().serve('/apis/projectcalico.org/v3', 'felixconfigurations', 'FelixConfiguration'), 600);
    }
  };
}

const WHOLE = {
  [`${STATUS}/calico`]: AVAILABLE,
  [`${STATUS}/apiserver`]: AVAILABLE,
  '/apis/apps/v1/namespaces/calico-system/daemonsets/calico-node': {
    status: { numberReady: 3, desiredNumberScheduled: 3 },
  },
};

describe('Calico by its operator', () => {
  test('definitions, operator, what the lab asks for, and last what goes through its own API', async () => {
    const server = await startCrdServer(operator(() => server, WHOLE));
    const { done, said, took } = await install(server);
    await done;
    expect(took).toEqual([
      "Calico's manifests (tool)",
      'the Calico operator to run (cluster)',
      'Calico to be available (calico, apiserver) (cluster)',
      "Calico's own kinds to be served (cluster)",
    ]);
    const order = server.requests.map((request) => request.split('/').at(-1));
    expect(order.slice(0, 3).sort()).toEqual([
      'apiservers.operator.tigera.io',
      'installations.operator.tigera.io',
      'tigerastatuses.operator.tigera.io',
    ]);
    expect(server.requests.slice(3)).toEqual([
      'PATCH /api/v1/namespaces/tigera-operator',
      `PATCH ${OPERATOR_PATH}`,
      'POST /apis/operator.tigera.io/v1/installations',
      'POST /apis/operator.tigera.io/v1/apiservers',
      'POST /apis/projectcalico.org/v3/felixconfigurations',
    ]);
    expect(said.join('\n')).toContain('no FelixConfiguration in projectcalico.org/v3');
  });

  test('what is waited for, how long at most, and what was last seen', async () => {
    const progressing = [{ type: 'Progressing', status: 'True', reason: 'ResourceNotReady', message: '1/3 pods' }];
    const half = { ...WHOLE, [`${STATUS}/calico`]: { status: { conditions: progressing } } };
    const server = await startCrdServer(operator(() => server, half));
    const { done, said } = await install(server, 2_000);
    await expect(done).rejects.toThrow(
      'waited 2 s for Calico to be available (calico, apiserver); last seen: calico: ResourceNotReady, 1/3 pods',
    );
    expect(said.at(-1)).toMatch(/^waiting for Calico to be available .*, at most 2 s: calico: ResourceNotReady/);
  });

  test('a pod that cannot have its image is named at once, not when the time is up', async () => {
    const waiting = { reason: 'InvalidImageName', message: 'Failed to apply default image tag' };
    const stuck = {
      metadata: { namespace: 'calico-system', name: 'calico-node-x' },
      spec: { nodeName: 'c1-worker' },
      status: { containerStatuses: [{ image: 'quay.io/calico/node:v3.32.1', restartCount: 0, state: { waiting } }] },
    };
    const pods = { '/api/v1/namespaces/calico-system/pods/calico-node-x': stuck };
    const server = await startCrdServer(operator(() => server, { ...WHOLE, [`${STATUS}/calico`]: {}, ...pods }));
    const { done } = await install(server, 60_000);
    await expect(done).rejects.toThrow(
      'pod calico-system/calico-node-x on c1-worker cannot start: InvalidImageName, image quay.io/calico/node:v3.32.1',
    );
  });

  test("nothing is fetched where the cluster has the operator's kinds built in", async () => {
    const api = await startApiLab();
    close = api.close;
    const applied: string[] = [];
    const { cniManifests } = await readLab('wireguard');
    await installCalico(Cluster.connect(api.kubeconfig), {
      source: { folder: '/nowhere' },
      manifests: cniManifests,
      apply: async (manifests) => void applied.push(...manifests.map(({ object }) => object.kind)),
      ...{ step: () => undefined, update: () => undefined, signal: new AbortController().signal },
      timed: (_name, _of, work) => work(),
    });
    expect(applied).toEqual(['Installation', 'APIServer', 'FelixConfiguration']);
  });

  test('a release has its objects with their text, and its images', () => {
    const found = objectsIn(CRDS);
    expect(found.map(({ object }) => object.metadata.name)).toEqual([
      'installations.operator.tigera.io',
      'tigerastatuses.operator.tigera.io',
      'apiservers.operator.tigera.io',
    ]);
    expect(found[0]?.text).toContain('group: operator.tigera.io');
  });

  test('its images are those that the operator pulls for what the lab asks of it, and no others', async () => {
    const { cniManifests } = await readLab('wireguard');
    const names = (version: string, change: Record<string, unknown>, ...kinds: string[]) => {
      const changed = cniManifests.flatMap((manifest) => {
        const { object } = manifest;
        const spec = { ...(object.spec as object), ...change };
        if (object.kind === 'Installation') return [{ ...manifest, object: { ...object, spec } }];
        return object.kind === 'APIServer' && kinds[0] === 'no APIServer' ? [] : [manifest];
      });
      const [first] = cniManifests;
      if (!first) throw new Error('the lab has no manifests');
      const more = kinds.map((kind) => ({ ...first, object: { ...first.object, kind } }));
      return calicoImages(version, OPERATOR, [...changed, ...more]).map((image) => image.replace('quay.io/', ''));
    };
    const separate = ['node', 'cni', 'kube-controllers', 'typha', 'apiserver', 'pod2daemon-flexvol'];
    const tagged = (version: string, list: string[]) => list.map((name) => `calico/${name}:${version}`);
    expect(names('v3.32.1', {})).toEqual(['tigera/operator:v1.42.3', ...tagged('v3.32.1', separate)]);
    expect(names('v3.32.1', { flexVolumePath: 'None' }, 'no APIServer').slice(1)).toEqual(
      tagged('v3.32.1', separate.slice(0, 4)),
    );
    const whole = names('v3.32.1', { kubeletVolumePluginPath: '/var/lib/kubelet' }, 'Goldmane', 'Whisker');
    const more = ['csi', 'node-driver-registrar', 'goldmane', 'whisker', 'whisker-backend'];
    expect(whole.slice(1)).toEqual(tagged('v3.32.1', [...separate, ...more]));
    expect(names('v3.33.0', {}).slice(1)).toEqual(tagged('v3.33.0', ['node', 'calico', 'third-party-cni-plugins']));
    expect(names('v3.33.0', { cni: { installMode: 'CalicoOnly' } })).toHaveLength(3);
    const own = { registry: 'registry.example/', imagePath: 'mirror', imagePrefix: 'x-' };
    expect(names('v3.32.1', own)[1]).toBe('registry.example/mirror/x-node:v3.32.1');
  });

  test('a folder without the release, and an invalid version, are reported', async () => {
    await expect(readRelease({ folder: '/nowhere' })).rejects.toMatchObject({ exitCode: 2 });
    await expect(readRelease({ version: '../x', folder: '/nowhere' })).rejects.toThrow(
      '"../x" is no version of Calico',
    );
  });

  test('a pod that holds things up is named in one line, with its reason and the end of its log', async () => {
    const path = '/api/v1/namespaces/calico-system/pods/calico-typha-x';
    const terminated = { exitCode: 2, message: '' };
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' };
    const typha = {
      metadata: { namespace: 'calico-system', name: 'calico-typha-x' },
      spec: { nodeName: 'c1-worker' },
      status: {
        containerStatuses: [{ name: 'calico-typha', restartCount: 3, state: { waiting }, lastState: { terminated } }],
      },
    };
    const conditions = [{ type: 'Degraded', status: 'True', reason: 'PodFailure', message: 'one\ntwo' }];
    const server = await startCrdServer(
      operator(() => server, { ...WHOLE, [`${STATUS}/calico`]: { status: { conditions } }, [path]: typha }),
    );
    server.logs.set(`${path}/log`, 'starting\npanic: reflect: call of Value.Elem\n');
    const { said, done } = await install(server, 2_000);
    await expect(done).rejects.toThrow('waited 2 s');
    expect(said.at(-1)).toContain(
      'pod calico-system/calico-typha-x on c1-worker: CrashLoopBackOff (3 restarts): it ended with exit status 2; ' +
        'its log ends: panic: reflect: call of Value.Elem; calico: PodFailure, one; two',
    );
  });
});
