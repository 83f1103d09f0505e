import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiLab, KUBECTLS, startApiLab } from './support/api-lab.ts';

const DAEMON_SET = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: nc, namespace: nc, labels: {app: nc}}
spec:
  selector: {matchLabels: {app: nc}}
  template:
    metadata: {labels: {app: nc}}
    spec:
      tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
      containers:
      - name: nc
        image: busybox:latest
        command: ["sh", "-c", "while true; do sleep 3600; done"]
        ports: [{containerPort: 12345}]
        tty: true
`;

/** One object of every kind that a client may write. */
const EVERY_KIND = `
apiVersion: v1
kind: Namespace
metadata: {name: every}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa, namespace: every}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: page, namespace: every}
data: {index.html: "hello\\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: every}
data: {api-key: bm90LWEtcmVhbC1rZXk=}
---
apiVersion: v1
kind: Service
metadata: {name: backend, namespace: every}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: every, labels: {app: client}}
spec:
  containers:
  - {name: client, image: "busybox:1.36", env: [{name: WHO, value: me}], volumeMounts: [{name: page, mountPath: /www}]}
  volumes: [{name: page, configMap: {name: page}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: every}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: busybox, ports: [{containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: alone, namespace: every}
spec:
  selector: {matchLabels: {app: alone}}
  template:
    metadata: {labels: {app: alone}}
    spec: {containers: [{name: a, image: busybox}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: backend-1, namespace: every, labels: {kubernetes.io/service-name: backend}}
addressType: IPv4
endpoints: [{addresses: [192.168.0.9]}]
ports: [{name: http, port: 8080}]
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: default-ipv4-ippool}
spec: {cidr: 192.168.0.0/16, vxlanMode: Always, natOutgoing: true}
---
apiVersion: crd.projectcalico.org/v1
kind: FelixConfiguration
metadata: {name: node.worker}
spec: {wireguardMTU: 1400}
---
apiVersion: operator.tigera.io/v1
kind: Installation
metadata: {name: default}
spec: {calicoNetwork: {bgp: Disabled, ipPools: [{cidr: 192.168.0.0/16, encapsulation: VXLAN, natOutgoing: Enabled}]}}
---
apiVersion: operator.tigera.io/v1
kind: APIServer
metadata: {name: default}
spec: {}
`;

const columns = (text: string) => text.split('\n')[0]?.split(/\s{2,}/);

describe.each(KUBECTLS)('an unchanged %s', (binary) => {
  let lab: ApiLab;
  const kubectl = (args: string, input?: string) =>
    lab.kubectl(args.split(' '), { binary, ...(input === undefined ? {} : { input }) });

  /** The output of a command that must work. */
  const told = async (args: string, input?: string) => {
    const { code, stdout, stderr } = await kubectl(args, input);
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
    return stdout;
  };

  /** Returns the message of a command that must fail. */
  const refused = async (args: string, input?: string) => {
    const { code, stderr } = await kubectl(args, input);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/\n\s+at |openapi|panic/i);
    return stderr;
  };

  beforeAll(async () => {
    lab = await startApiLab();
    await told('create ns nc');
    await told('apply -f -', DAEMON_SET);
  });
  afterAll(async () => {
    await lab.close();
    expect(lab.logged).toEqual([]);
  });

  it('gets nodes and pods as tables', async () => {
    const nodes = await told('get nodes -o wide');
    expect(columns(nodes)).toEqual(
      'NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME'.split(' '),
    );
    expect(nodes).toMatch(/^control-plane +Ready +control-plane +\d+s +v1\.\S+ +172\.18\.0\.2 +<none>/m);
    expect(await told('wait -n nc --for=condition=ready pod -l app=nc --timeout=10s')).toContain('condition met');
    const pods = await told('get pods -A -o wide');
    expect(columns(pods)).toEqual([
      'NAMESPACE',
      ...'NAME READY STATUS RESTARTS AGE IP NODE'.split(' '),
      'NOMINATED NODE',
      'READINESS GATES',
    ]);
    expect(pods).toMatch(/^nc +nc-worker-1 +1\/1 +Running +0 +\d+s +192\.168\.0\.\d+ +worker +<none> +<none>$/m);
  });

  it('selects by label and field, and reads with jsonpath and yaml', async () => {
    const names = await told('get pods -n nc -l app=nc --field-selector spec.nodeName=worker -o name');
    expect(names).toBe('pod/nc-worker-1\n');
    expect(await told('get pods -n nc -l app!=nc -o name')).toBe('');
    expect(await told('get pods -n nc -l app=nc,app!=x -o name')).toContain('pod/nc-worker2-1');
    expect(await told('get pod -n nc nc-worker-1 -o jsonpath={.spec.containers[0].name}/{.status.phase}')).toBe(
      'nc/Running',
    );
    expect(await told('get nodes -o yaml')).toContain('projectcalico.org/IPv4Address: 172.18.0.2/16');
    expect(await refused('get pods -n nc --field-selector spec.color=red')).toContain(
      'field label not supported: spec.color',
    );
  });

  it('describes pods, nodes and workloads', async () => {
    const pod = await told('describe pod -n nc nc-worker-1');
    expect(pod).toMatch(/Controlled By: +DaemonSet\/nc/);
    expect(pod).toMatch(/Events: +<none>/);
    expect(await told('describe node worker')).toMatch(/Non-terminated Pods: +\(1 in total\)/);
    expect(await told('describe ds -n nc nc')).toMatch(/Desired Number of Nodes Scheduled: 3/);
    expect(await told('describe felixconfiguration default')).toMatch(/API Version: +projectcalico.org\/v3/);
  });

  it('applies every kind, and changes nothing the second time', async () => {
    const first = await told('apply -f -', EVERY_KIND);
    expect(first.trim().split('\n')).toHaveLength(13);
    expect(first).not.toMatch(/unchanged|configured/);
    const version = lab.store.version;
    const second = await told('apply -f -', EVERY_KIND);
    expect(second.split('\n').filter((line) => line && !line.endsWith(' unchanged'))).toEqual([]);
    expect(lab.store.version).toBe(version);
    expect((await kubectl('diff -f -', EVERY_KIND)).code).toBe(0);
    expect(await told('get all,cm,secret,endpointslice -n every')).toMatch(/deployment.apps\/web +0\/2/);
    await told('delete -f -', EVERY_KIND);
    expect(lab.store.list('Pod', 'every')).toEqual([]);
    expect(lab.store.get('Namespace', undefined, 'every')).toBeUndefined();
  });

  it('applies a change, and server-side with conflicts and force', async () => {
    const map = (color: string) =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"nc"},"data":{"color":"${color}"}}`;
    expect(await told('apply --server-side -f -', map('red'))).toBe('configmap/c serverside-applied\n');
    await told('patch cm c -n nc --type=merge -p {"data":{"color":"green"}}');
    const why = await refused('apply --server-side -f -', map('blue'));
    expect(why).toMatch(
      /Apply failed with 1 conflict: conflict with "kubectl-patch" using v1( at \S+)?: \.data\.color/,
    );
    expect(await told('apply --server-side --force-conflicts -f -', map('blue'))).toContain('serverside-applied');
    expect(await told('get cm c -n nc -o jsonpath={.data.color}')).toBe('blue');
    expect(await told('delete cm c -n nc')).toContain('"c" deleted');
    expect(await told('apply -f -', map('red'))).toBe('configmap/c created\n');
    expect(await told('apply -f -', map('blue'))).toBe('configmap/c configured\n');
    await told('apply --server-side -f -', map('blue'));
    expect(await told('get cm c -n nc -o jsonpath={.data.color}')).toBe('blue');
  });

  it('creates without a manifest, which new versions do in protobuf', async () => {
    await told('create deployment made -n nc --image=busybox:1.36 --replicas=0 --port=80 -- sleep 1');
    expect(lab.store.get('Deployment', 'nc', 'made')?.spec).toMatchObject({
      replicas: 0,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
      template: { spec: { containers: [{ command: ['sleep', '1'], imagePullPolicy: 'IfNotPresent' }] } },
    });
    await told('create secret generic made -n nc --from-literal=a=b');
    expect(lab.store.get('Secret', 'nc', 'made')?.data).toEqual({ a: 'Yg==' });
    await told('create service clusterip made -n nc --tcp=80:8080');
    expect(lab.store.get('Service', 'nc', 'made')?.spec).toMatchObject({ ports: [{ port: 80, targetPort: 8080 }] });
    await told('run made -n nc --image=busybox --restart=Never');
    expect(await told('scale deployment made -n nc --replicas=4')).toBe('deployment.apps/made scaled\n');
    expect(lab.store.get('Deployment', 'nc', 'made')?.spec?.replicas).toBe(4);
    expect(await refused('create ns nc')).toContain('namespaces "nc" already exists');
  });

  it('patches FelixConfiguration, which both groups show', async () => {
    const patch = [
      'patch',
      'felixconfiguration',
      'default',
      '--type=merge',
      '-p',
      '{"spec":{"wireguardEnabled":true}}',
    ];
    const { stdout } = await lab.kubectl(patch, { binary });
    expect(stdout).toBe('felixconfiguration.projectcalico.org/default patched\n');
    expect((await lab.kubectl(patch, { binary })).stdout).toContain('patched (no change)');
    const crd = await told('get felixconfigurations.crd.projectcalico.org default -o yaml');
    expect(crd).toContain('apiVersion: crd.projectcalico.org/v1');
    expect(crd).toContain('wireguardEnabled: true');
    const json = ['patch', 'felixconfiguration', 'default', '--type=json', '-p'];
    expect((await lab.kubectl([...json, '[{"op":"remove","path":"/spec/wireguardEnabled"}]'], { binary })).code).toBe(
      0,
    );
    expect(await told('get felixconfiguration')).toMatch(/^NAME +AGE\ndefault +\d+s$/m);
  });

  it('rolls out a DaemonSet again', async () => {
    expect(await told('rollout status ds/nc -n nc --timeout=10s')).toContain('successfully rolled out');
    expect(await told('rollout restart ds/nc -n nc')).toBe('daemonset.apps/nc restarted\n');
    expect(await told('rollout status ds/nc -n nc --timeout=10s')).toContain('successfully rolled out');
    expect(await told('get pods -n nc -l app=nc -o name')).toContain('pod/nc-worker-2');
  });

  it('watches: first what is there, then what comes', async () => {
    const child = lab.startKubectl(['get', 'cm', '-n', 'nc', '-w', '-l', 'watched=yes'], binary);
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      seen += String(chunk);
    });
    const line = (pattern: RegExp) => vi.waitFor(() => expect(seen).toMatch(pattern), { timeout: 5_000, interval: 20 });
    try {
      await told('create cm first -n nc');
      await told('label cm first -n nc watched=yes');
      await line(/^NAME +DATA +AGE\nfirst +0/m);
      await told('label cm first -n nc other=1');
      await line(/first[\s\S]*first/);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  it('reads logs and follows them', async () => {
    const pod = (await told('get pods -n nc -l app=nc -o name')).split('\n')[0] ?? '';
    expect(await told(`logs -n nc ${pod} --tail=1`)).toBe('nc: three\n');
    expect(lab.runtime.logRequests.at(-1)).toEqual({ follow: false, timestamps: false, previous: false, tailLines: 1 });
    const child = lab.startKubectl(['logs', '-n', 'nc', pod, '-f', '--since=5s'], binary);
    await once(child.stdout, 'data');
    expect(lab.runtime.openLogs.size).toBe(1);
    const stream = [...lab.runtime.openLogs][0];
    const closed = stream && once(stream, 'close');
    child.kill();
    await Promise.all([once(child, 'close'), closed]);
    expect(lab.runtime.openLogs.size).toBe(0);
  });

  it('runs a command in a pod', async () => {
    const pod = (await told('get pods -n nc -l app=nc -o name')).split('\n')[0] ?? '';
    expect(await told(`exec -n nc ${pod} -- echo a b`)).toBe(`${pod.slice(4)}/nc: echo a b\n`);
    expect(await refused('exec -n nc nowhere -- sh')).toContain('pods "nowhere" not found');
    expect((await kubectl(`exec -n nc ${pod} -c wrong -- sh`)).stderr).toContain(
      'container wrong is not valid for pod',
    );
  });

  it('says what it serves', async () => {
    // A kubectl two minor versions away adds a warning of its own.
    expect((await kubectl('version')).stdout).toMatch(/Server Version: v1\.32\.0\+wglab/);
    expect(await told('cluster-info')).toContain(`https://127.0.0.1:${lab.port}`);
    const resources = await told('api-resources');
    expect(resources).toMatch(/^felixconfigurations +projectcalico.org\/v3 +false +FelixConfiguration$/m);
    expect(resources).toMatch(/^daemonsets +ds +apps\/v1 +true +DaemonSet$/m);
    expect(await told('explain pod.spec.containers.image')).toContain('<string>');
  });

  describe('fails as Kubernetes does', () => {
    it.each([
      ['get gateways', undefined, `error: the server doesn't have a resource type "gateways"\n`],
      ['get pod nowhere -n nc', undefined, 'Error from server (NotFound): pods "nowhere" not found\n'],
      ['delete ds nowhere -n nc', undefined, 'Error from server (NotFound): daemonsets.apps "nowhere" not found\n'],
      [
        'logs nowhere -n nc',
        undefined,
        'error: error from server (NotFound): pods "nowhere" not found in namespace "nc"\n',
      ],
      [
        'apply -f -',
        '{"apiVersion":"example.com/v1","kind":"Toaster","metadata":{"name":"t"}}',
        'error: resource mapping not found for name: "t" namespace: "" from "STDIN": no matches for kind "Toaster" in version "example.com/v1"\nensure CRDs are installed first\n',
      ],
      [
        'apply -f -',
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"void"}}',
        'Error from server (NotFound): error when creating "STDIN": namespaces "void" not found\n',
      ],
      [
        'apply -f -',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"nc"},"spec":{"foo":1,"containers":[{"name":"a","image":"b","bar":2}]}}',
        'Error from server (BadRequest): error when creating "STDIN": Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].bar", unknown field "spec.foo"\n',
      ],
      [
        'create -f -',
        '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"nc"},"spec":{"replicas":"two"}}',
        'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32\n',
      ],
      [
        'create -f -',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"nc"},"spec":{"restartPolicy":"Sometimes","containers":[{"name":"a"}]}}',
        'The Pod "a" is invalid: \n* spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"\n* spec.containers[0].image: Required value\n',
      ],
      [
        'apply -f -',
        '{"apiVersion":"crd.projectcalico.org/v1","kind":"FelixConfiguration","metadata":{"name":"f"},"spec":{"wireguardEnabled":"yes"}}',
        'The FelixConfiguration "f" is invalid: spec.wireguardEnabled: Invalid value: "string": spec.wireguardEnabled in body must be of type boolean: "string"\n',
      ],
      [
        'create -f -',
        '{"apiVersion":"projectcalico.org/v3","kind":"FelixConfiguration","metadata":{"name":"f"},"spec":{"wireguardEnabledd":true}}',
        'Error from server (BadRequest): error when creating "STDIN": FelixConfiguration in version "v3" cannot be handled as a FelixConfiguration: strict decoding error: unknown field "spec.wireguardEnabledd"\n',
      ],
    ])('%s', async (args, input, words) => {
      expect(await refused(args, input)).toBe(words);
    });

    it('warns of an unknown field in a patch, and of a field without effect', async () => {
      const patch = (spec: string) =>
        lab.kubectl(['patch', 'felixconfiguration', 'default', '--type=merge', '-p', `{"spec":${spec}}`], { binary });
      expect(await patch('{"wireguardEnabledd":true}')).toEqual({
        code: 0,
        stdout: 'felixconfiguration.projectcalico.org/default patched (no change)\n',
        stderr: 'Warning: unknown field "spec.wireguardEnabledd"\n',
      });
      expect((await patch('{"bpfEnabled":true}')).stderr).toBe(
        "Warning: spec.bpfEnabled: accepted, without effect in wglab's embedded engine\n",
      );
      expect((await patch('{"bpfEnabled":null}')).code).toBe(0);
    });

    it('without a valid token', async () => {
      const file = join(lab.folder, 'wrong');
      const text = await told('config view --raw -o json');
      await writeFile(file, text.replace(lab.token, 'wrong'));
      const { code, stderr } = await lab.kubectl(['get', 'pods', `--kubeconfig=${file}`], { binary });
      expect(code).toBe(1);
      expect(stderr).toMatch(/logged in to the server|Unauthorized/);
    });
  });
});
