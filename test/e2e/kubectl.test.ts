import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Kubectl, usableKubectls } from './support/kubectl.ts';
import { until } from './support/until.ts';
import { Home } from './support/wglab.ts';

const CONTROL = 'wireguard-control-plane';
const A = 'wireguard-worker';
const B = 'wireguard-worker2';
const NODES = [CONTROL, A, B];
const KEY = /^[A-Za-z0-9+/]{43}=$/;

const MANIFESTS = fileURLToPath(new URL('../../manifests', import.meta.url));
const manifestFiles = readdirSync(MANIFESTS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => join(MANIFESTS, file));

/** The workshop's first demo, as its text has it. */
const NC_DEMO = `apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: nc
  namespace: nc
  labels:
    app: nc
spec:
  selector:
    matchLabels:
      app: nc
  template:
    metadata:
      labels:
        app: nc
    spec:
      containers:
      - name: nc
        image: busybox:latest
        command: ["sh", "-c", "while true; do sleep 3600; done"]
        ports:
        - containerPort: 12345
        tty: true
`;

/** Pods on the nodes that they name, as in the workshop's second demo. */
function podsOnNodes(image: string, command = ''): string {
  return [A, B]
    .map(
      (node, i) => `apiVersion: v1
kind: Pod
metadata:
  labels:
    run: pod-${i + 1}
  name: pod-${i + 1}
spec:
  containers:
  - image: ${image}
    name: pod-${i + 1}${command && `\n    command: ${command}`}
  nodeName: ${node}
---
`,
    )
    .join('');
}

/** Ends at once when it is told to, as a first process must by itself. */
const SLEEP = `[sh, -c, "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"]`;

const pod = (name: string, command: string, restartPolicy = 'Always') => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  restartPolicy: ${restartPolicy}
  containers:
  - {name: ${name}, image: "busybox:1.36", command: ${command}}
`;

/** Counts until it is told to stop, and then ends with a status of its own. */
const COUNTER = pod(
  'counter',
  '[sh, -c, "i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo line $i; usleep 20000; done; exit 3"]',
  'Never',
);

const felixPatch = (spec: object) => [
  ...'patch felixconfiguration default --type=merge -p'.split(' '),
  JSON.stringify({ spec }),
];

const home = new Home();
const kubeconfig = join(home.folder, 'wireguard', 'kubeconfig');
/** kubectl keeps its caches there. */
const kubectlHome = mkdtempSync(join(tmpdir(), 'wglab-kubectl-'));
const KUBECTLS = usableKubectls();

async function onNode(node: string, ...argv: string[]): Promise<string> {
  return (await home.expects(0, ['exec', node, '--', ...argv])).stdout;
}

/** Waits until what a command on a node prints matches. */
async function showsOn(node: string, command: string, pattern: RegExp): Promise<void> {
  let seen = '';
  await until(
    () => `${pattern} on ${node}: ${seen}`,
    async () => {
      const { stdout, stderr } = await home.run(['exec', node, '--', ...command.split(' ')]);
      seen = stdout + stderr;
      return pattern.test(stdout);
    },
    15_000,
  );
}

/** The host's ends of the pods' veth pairs, on all nodes. */
async function podInterfaces(): Promise<string[]> {
  const links = await Promise.all(NODES.map((node) => onNode(node, 'ip', '-o', 'link')));
  return links.flatMap((text) => text.match(/cali[0-9a-f]{11}/g) ?? []).sort();
}

interface NodeFacts {
  name: string;
  address: string;
  block: string;
  vxlan: string;
  wireguard: string;
  key: string;
}

describe.skipIf(KUBECTLS.length === 0)('an embedded lab', () => {
  beforeAll(() => home.expects(0, ['deploy', '--engine', 'embedded']));
  afterAll(async () => {
    try {
      await home.destroy();
    } finally {
      await home.dispose();
      rmSync(kubectlHome, { recursive: true, force: true });
    }
  });

  describe.each(KUBECTLS)('by an unchanged %s', (binary) => {
    const kubectl = new Kubectl(binary, kubeconfig, kubectlHome);
    const { told, refused } = kubectl;
    afterAll(() => kubectl.stopAll());

    /** A namespace of the test's own. */
    const makeNamespace = async () => {
      const name = `test-${randomBytes(4).toString('hex')}`;
      await told(`create ns ${name}`);
      return name;
    };
    const podOn = async (node: string) => {
      const found = await told(
        `get pods -n nc -l app=nc --field-selector spec.nodeName=${node} -o jsonpath={.items[*].metadata.name}`,
      );
      const address = await told(`get pod -n nc ${found} -o jsonpath={.status.podIP}`);
      return { name: found, address };
    };
    /** FelixConfiguration default as a whole. */
    const setFelix = (spec: object) =>
      told([
        'patch',
        'felixconfiguration',
        'default',
        '--type=json',
        '-p',
        JSON.stringify([{ op: 'replace', path: '/spec', value: spec }]),
      ]);
    const nodeFacts = async (): Promise<NodeFacts[]> => {
      const nodes = JSON.parse(await told('get nodes -o json')).items;
      const affinities = JSON.parse(await told('get blockaffinities -o json')).items;
      return nodes.map(
        ({ metadata: { name, annotations } }: { metadata: { name: string; annotations: Record<string, string> } }) => ({
          name,
          address: annotations['projectcalico.org/IPv4Address']?.split('/')[0],
          block: affinities.find((one: { spec: { node: string } }) => one.spec.node === name)?.spec.cidr,
          vxlan: annotations['projectcalico.org/IPv4VXLANTunnelAddr'],
          wireguard: annotations['projectcalico.org/IPv4WireguardInterfaceAddr'],
          key: annotations['projectcalico.org/WireguardPublicKey'],
        }),
      );
    };
    /** Encryption on, and every node done with it. */
    const encrypt = async (): Promise<NodeFacts[]> => {
      await setFelix({ wireguardEnabled: true });
      let facts: NodeFacts[] = [];
      await until('every node to have a key and an address', async () => {
        facts = await nodeFacts();
        return facts.every(({ key, wireguard }) => key && wireguard);
      });
      for (const { name, wireguard } of facts) {
        await showsOn(name, 'ip addr show wireguard.cali', new RegExp(`inet ${wireguard}/32 `));
        await showsOn(name, 'ip rule', /^99:/m);
        await showsOn(name, 'wg show', /(peer: [\s\S]*){2}/);
      }
      return facts;
    };

    it('shows the cluster', async () => {
      const nodes = await told('get nodes -o wide');
      expect(nodes.trim().split('\n')).toHaveLength(4);
      expect(nodes).toMatch(/^wireguard-control-plane +Ready +control-plane +\S+ +v1\.\S+ +172\.18\.0\.2 +<none> /m);
      expect(nodes).toMatch(/^wireguard-worker2 +Ready +<none> +\S+ +v1\.\S+ +172\.18\.0\.4 +<none> /m);
      const pods = await told('get pods -A -o wide');
      expect(pods).toMatch(/^default +frontend-\S+ +1\/1 +Running +0 +\S+ +192\.168\.\d+\.\d+ +wireguard-worker2? /m);
      expect((await told('get pods -n nc -o wide')).trim().split('\n')).toHaveLength(4);
      expect(await told('get nodes -o yaml')).toMatch(/projectcalico.org\/IPv4VXLANTunnelAddr: 192\.168\./);
      expect((await podOn(A)).name).toMatch(/^nc-\w{5}$/);
      expect(await told('get felixconfiguration default -o yaml')).toMatch(
        /^spec:\n(.*\n)*? {2}wireguardEnabled: (true|false)$/m,
      );
      expect(await told('get ippools')).toMatch(/^default-ipv4-ippool /m);
      expect(await told('api-resources')).toMatch(
        /^felixconfigurations +projectcalico.org\/v3 +false +FelixConfiguration$/m,
      );
      expect((await kubectl.run('version')).stdout).toMatch(/^Server Version: v1\./m);
      expect(await told('cluster-info')).toContain('Kubernetes control plane');
    });

    it('tells what became of a pod', async () => {
      const ns = await makeNamespace();
      await told(`apply -n ${ns} -f -`, pod('sleeper', SLEEP));
      expect(await told(`wait -n ${ns} --for=condition=ready pod/sleeper --timeout=20s`)).toBe(
        'pod/sleeper condition met\n',
      );
      const text = await told(`describe pod -n ${ns} sleeper`);
      expect(text).toMatch(/^Service Account: +default$/m);
      expect(text).toMatch(/^Node: +wireguard-worker2?\/172\.18\.0\.[34]$/m);
      expect(text).toMatch(/^IP: +192\.168\.\d+\.\d+$/m);
      expect(text).toMatch(/^ +State: +Running$/m);
      expect(text).toMatch(/^ +PodScheduled +True/m);
      const events = text.slice(text.indexOf('Events:'));
      expect(events.match(/^ +Normal.*$/gm)?.map((line) => line.trim().split(/ {2,}/).slice(1))).toEqual([
        [
          'Scheduled',
          expect.any(String),
          'default-scheduler',
          expect.stringMatching(`^Successfully assigned ${ns}/sleeper to wireguard-worker2?$`),
        ],
        ['Pulled', expect.any(String), 'kubelet', 'Container image "busybox:1.36" already present on machine'],
        ['Created', expect.any(String), 'kubelet', 'Created container: sleeper'],
        ['Started', expect.any(String), 'kubelet', 'Started container sleeper'],
      ]);
      await told(`delete pod -n ${ns} sleeper`);
      expect(await told(`get events -n ${ns}`)).toMatch(/ Normal +Killing +pod\/sleeper +Stopping container sleeper$/m);
    });

    it('reads logs, follows them to the end, and knows how the container ended', async () => {
      const ns = await makeNamespace();
      await told(`apply -n ${ns} -f -`, COUNTER);
      await told(`wait -n ${ns} --for=condition=ready pod/counter --timeout=20s`);
      const following = kubectl.start(`logs -n ${ns} counter -f`);
      const latest = kubectl.start(`logs -n ${ns} counter -f --tail=1`);
      const [, first] = await latest.prints(/^line (\d+)\n/);
      await latest.prints(new RegExp(`^line ${Number(first) + 5}$`, 'm'));
      await told(`exec -n ${ns} counter -- touch /tmp/stop`);
      expect(await following.ended).toBe(0);
      expect(await latest.ended).toBe(0);
      const lines = following.stdout.trimEnd().split('\n');
      expect(lines).toEqual(lines.map((_, i) => `line ${i + 1}`));
      expect(following.stdout.endsWith(latest.stdout)).toBe(true);
      expect(await told(`logs -n ${ns} counter --tail=3`)).toBe(`${lines.slice(-3).join('\n')}\n`);
      await told(`wait -n ${ns} --for=jsonpath={.status.phase}=Failed pod/counter --timeout=10s`);
      const ended = '{.status.containerStatuses[0].state.terminated.exitCode}';
      expect(await told(`get pod -n ${ns} counter -o jsonpath=${ended}`)).toBe('3');
      expect(await told(`get pods -n ${ns}`)).toMatch(/^counter +0\/1 +Error +0 /m);
    });

    it('pipes through a command and gives its exit status', async () => {
      const { name } = await podOn(A);
      const input = randomBytes(400_000).toString('base64');
      const script = 'cat; echo told >&2; exit 7';
      const outcome = await kubectl.run(['exec', '-i', '-n', 'nc', name, '--', 'sh', '-c', script], input);
      expect(outcome.stdout === input).toBe(true);
      expect(outcome).toMatchObject({ status: 7, stderr: 'told\ncommand terminated with exit code 7\n' });
      expect(await told(`exec -n nc ${name} -- hostname`)).toBe(`${name}\n`);
      expect(await kubectl.run(`exec -n nc ${name} -- no-such-command`)).toMatchObject({ status: 127, stdout: '' });
    });

    it('copies files there and back', async () => {
      const { name } = await podOn(A);
      const [file, copy] = [join(kubectlHome, 'file'), join(kubectlHome, 'copy')];
      writeFileSync(file, randomBytes(200_000));
      await told(`cp ${file} nc/${name}:/tmp/there`);
      await kubectl.run(`cp nc/${name}:/tmp/there ${copy}`);
      expect(readFileSync(copy).equals(readFileSync(file))).toBe(true);
    });

    it('opens a shell in a terminal', async () => {
      const { name } = await podOn(A);
      const terminal = kubectl.terminal(`exec -it -n nc ${name} -- sh`);
      await terminal.prints(/\/ # $/);
      terminal.type('stty size; hostname\r');
      await terminal.prints(new RegExp(`^30 100\r\n${name}\r$`, 'm'));
      terminal.resize(132, 43);
      terminal.type('until [ "$(stty size)" = "43 132" ]; do usleep 10000; done; echo resized\r');
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
      const [a, b] = [await podOn(A), await podOn(B)];
      const server = kubectl.start(`exec -i -n nc ${a.name} -- nc -l -p 12321`);
      await until('nc to listen', async () => (await told(`exec -n nc ${a.name} -- netstat -ltn`)).includes(':12321 '));
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
      const [interfaces, { namespaces }] = [await podInterfaces(), home.census()];
      await told(`apply -n ${ns} -f -`, manifest);
      await told(`rollout status deployment/backend -n ${ns} --timeout=20s`);
      await told(`rollout status deployment/frontend -n ${ns} --timeout=20s`);
      await kubectl.start(`logs -n ${ns} deployment/frontend -f`).prints(/GET \/api\/users: \d+ characters/);
      expect(await told(`scale deployment backend -n ${ns} --replicas=3`)).toBe('deployment.apps/backend scaled\n');
      await told(`wait -n ${ns} deployment/backend --for=jsonpath={.status.readyReplicas}=3 --timeout=20s`);
      const addresses = await told(`get endpoints backend -n ${ns} -o jsonpath={.subsets[0].addresses[*].ip}`);
      expect(new Set(addresses.split(' ')).size).toBe(3);
      expect(await podInterfaces()).toHaveLength(interfaces.length + 4);
      await told(`scale deployment backend -n ${ns} --replicas=0`);
      await told(`wait -n ${ns} --for=delete pod -l app=backend --timeout=20s`);
      expect(await told(`delete -n ${ns} -f -`, manifest)).toMatch(/^deployment.apps "frontend" deleted/m);
      await told(`wait -n ${ns} --for=delete pod -l app=frontend --timeout=20s`);
      expect(await podInterfaces()).toEqual(interfaces);
      await until('no namespace of the pods to be left', () => {
        const now = home.census().namespaces;
        return now.every((one) => namespaces.includes(one));
      });
    });

    it('restarts a DaemonSet: every pod is another one', async () => {
      const uids = () => told('get pods -n nc -l app=nc -o jsonpath={.items[*].metadata.uid}');
      const before = (await uids()).split(' ');
      const { name } = await podOn(B);
      await told(`exec -n nc ${name} -- touch /tmp/mine`);
      expect(await told('rollout restart daemonset/nc -n nc')).toBe('daemonset.apps/nc restarted\n');
      expect(await told('rollout status daemonset/nc -n nc --timeout=30s')).toContain('successfully rolled out');
      const after = (await uids()).split(' ');
      expect(after).toHaveLength(before.length);
      expect(after.filter((uid) => before.includes(uid))).toEqual([]);
      const replaced = await podOn(B);
      expect((await kubectl.run(`exec -n nc ${replaced.name} -- test -e /tmp/mine`)).status).toBe(1);
      expect(await refused(`exec -n nc ${name} -- true`)).toContain(`pods "${name}" not found`);
    });

    it('watches pods come and go', async () => {
      const ns = await makeNamespace();
      const watching = kubectl.start(`get pods -n ${ns} -w --output-watch-events`);
      await told(`apply -n ${ns} -f -`, pod('sleeper', SLEEP));
      await watching.prints(/^ADDED +sleeper +0\/1 +Pending/m);
      await watching.prints(/^MODIFIED +sleeper +0\/1 +ContainerCreating/m);
      await watching.prints(/^MODIFIED +sleeper +1\/1 +Running/m);
      await told(`delete -n ${ns} pod sleeper`);
      await watching.prints(/^MODIFIED +sleeper +1\/1 +Terminating/m);
      await watching.prints(/^DELETED +sleeper /m);
      await watching.stop();
    });

    it("follows the workshop's nc demo as it is written", async () => {
      try {
        await setFelix({ wireguardEnabled: false });
        await told('delete ns nc');
        expect(await told('create ns nc')).toBe('namespace/nc created\n');
        expect(await told('apply -f -', NC_DEMO)).toBe('daemonset.apps/nc created\n');
        await told('rollout status ds/nc -n nc --timeout=20s');
        const table = await told('get pods -n nc -owide');
        expect(table.split('\n')[0]?.split(/ {2,}/)).toEqual([
          'NAME',
          'READY',
          'STATUS',
          'RESTARTS',
          'AGE',
          'IP',
          'NODE',
          'NOMINATED NODE',
          'READINESS GATES',
        ]);
        const [a, b] = [await podOn(A), await podOn(B)];
        const [server, client] = [a, b].map(({ name }) => kubectl.terminal(`exec -it -n nc ${name} -- sh`));
        if (!server || !client) throw new Error('no terminals');
        await server.prints(/# $/);
        server.type('nc -l -p 12345\r');
        await until('nc to listen', async () =>
          (await told(`exec -n nc ${a.name} -- netstat -ltn`)).includes(':12345 '),
        );
        await client.prints(/# $/);
        client.type(`nc ${a.address} 12345\r`);
        client.type('hello in clear\r');
        await server.prints(/^hello in clear\r$/m);
        expect(await told(felixPatch({ wireguardEnabled: true }))).toBe(
          'felixconfiguration.projectcalico.org/default patched\n',
        );
        await showsOn(
          B,
          'wg',
          /^interface: wireguard.cali\n {2}public key: \S+\n {2}private key: \(hidden\)\n {2}listening port: 51820\n {2}fwmark: 0x200000\n\npeer: /,
        );
        await showsOn(B, 'ip rule', /^99:/m);
        // The connection lives on, inside the tunnel.
        client.type('hello in the tunnel\r');
        await server.prints(/^hello in the tunnel\r$/m);
        server.type('and hello back\r');
        await client.prints(/^and hello back\r$/m);
        for (const terminal of [server, client]) terminal.type('\x03');
        for (const terminal of [server, client]) terminal.type('exit 0\r');
        expect(await Promise.all([server.ended, client.ended])).toEqual([0, 0]);
      } finally {
        await told(['apply', '-f', join(MANIFESTS, 'nc.yaml')]);
        await told('rollout status ds/nc -n nc --timeout=30s');
      }
    });

    it("follows the workshop's end-to-end demo, and says of its image that there is none here", async () => {
      const [, one] = await encrypt();
      const table = (await told('get nodes -o yaml'))
        .split('\n')
        .filter((line) => /kubernetes.io\/hostname|Wireguard/.test(line));
      expect(table.slice(3, 6).map((line) => line.trim())).toEqual([
        `projectcalico.org/IPv4WireguardInterfaceAddr: ${one?.wireguard}`,
        `projectcalico.org/WireguardPublicKey: ${one?.key}`,
        `kubernetes.io/hostname: ${A}`,
      ]);
      try {
        await told('apply -f -', podsOnNodes('praqma/network-multitool'));
        await told(
          'wait pod/pod-1 --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImagePull --timeout=10s',
        );
        expect(await told('get pods -o wide')).toMatch(
          /^pod-1 +0\/1 +ErrImagePull +0 +\S+ +<none> +wireguard-worker /m,
        );
        expect(await told('describe pod pod-1')).toMatch(
          /Warning +Failed .*no image "praqma\/network-multitool".*busybox/,
        );
        expect(await refused('exec pod-1 -- bash')).toContain('container not running (pod-1)');
        await told('delete -f -', podsOnNodes('praqma/network-multitool'));
        await told('apply -f -', podsOnNodes('busybox', SLEEP));
        await told('wait pod/pod-1 pod/pod-2 --for=condition=ready --timeout=20s');
        expect(await told('get pods -o wide')).toMatch(
          /^pod-2 +1\/1 +Running +0 +\S+ +192\.168\.\d+\.\d+ +wireguard-worker2 /m,
        );
        expect(await told('get pod pod-1 -o jsonpath={.status.conditions[?(@.type=="PodScheduled")].status}')).toBe(
          'True',
        );
        const address = await told('get pod pod-2 -o jsonpath={.status.podIP}');
        const capture = home.start([
          'exec',
          A,
          '--',
          'timeout',
          '20',
          'tcpdump',
          '-Z',
          'root',
          '-c',
          '4',
          '-lni',
          'wireguard.cali',
          'host',
          address,
        ]);
        await capture.prints(/listening on wireguard.cali, link-type RAW/);
        const pinged = await told(`exec pod-1 -- ping -c2 -i0.2 ${address}`);
        expect(pinged).toContain('2 packets transmitted, 2 packets received');
        const { stdout } = await capture.ended;
        expect(stdout).toMatch(new RegExp(`IP 192[.0-9]+ > ${address}: ICMP echo request`));
        // They were made with encryption on, and so with the room that it leaves.
        expect(await told('exec pod-1 -- ip link show eth0')).toContain(' mtu 1440 ');
      } finally {
        await told(['delete', '--ignore-not-found', 'pod', 'pod-1', 'pod-2']);
      }
    });

    it("gives the nodes what the workshop's microservices lab shows of them, in Calico 3.32's numbers", async () => {
      const facts = await encrypt();
      expect(await told('get felixconfiguration default -o yaml')).toMatch(/^ {2}wireguardEnabled: true$/m);
      for (const own of facts) {
        const peers = facts.filter((other) => other !== own);
        const { name } = own;
        expect(own.key).toMatch(KEY);
        expect(await onNode(name, 'ip', 'link', 'show', 'wireguard.cali')).toMatch(
          /^\d+: wireguard.cali: <POINTOPOINT,(MULTICAST,)?NOARP,UP,LOWER_UP> mtu 1440 .*\n {4}link\/none/,
        );
        expect(await onNode(name, 'ip', 'addr', 'show', 'wireguard.cali')).toContain(
          `\n    inet ${own.wireguard}/32 scope global wireguard.cali\n       valid_lft forever preferred_lft forever\n`,
        );
        const [device, ...shown] = (await onNode(name, 'wg', 'show')).split(/\n\n/);
        expect(device).toBe(
          `interface: wireguard.cali\n  public key: ${own.key}\n  private key: (hidden)\n  listening port: 51820\n  fwmark: 0x200000`,
        );
        const allowed = new Map(
          shown.map((text) => [
            /^peer: (\S+)\n {2}endpoint: (\S+)$/m.exec(text)?.slice(1).join(' '),
            /^ {2}allowed ips: (.*)$/m.exec(text)?.[1]?.split(', ').sort(),
          ]),
        );
        expect(allowed).toEqual(
          new Map(
            peers.map(({ key, address, block, vxlan, wireguard }) => [
              `${key} ${address}:51820`,
              [block, `${vxlan}/32`, `${wireguard}/32`].sort(),
            ]),
          ),
        );
        expect(await onNode(name, 'ip', 'rule')).toBe(
          '0:\tfrom all lookup local\n99:\tnot from all fwmark 0x200000/0x200000 lookup 1\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
        );
        const table = (await onNode(name, 'ip', 'route', 'show', 'table', '1'))
          .trim()
          .split('\n')
          .map((line) => line.trim());
        const into = peers.flatMap(({ block, vxlan, wireguard }) =>
          [block, vxlan, wireguard].map((to) => `${to} dev wireguard.cali scope link`),
        );
        expect(table.sort()).toEqual([`throw ${own.block}`, ...into].sort());
        const vxlan = await onNode(name, 'ip', '-d', 'link', 'show', 'vxlan.calico');
        expect(vxlan).toContain(' mtu 1450 ');
        expect(vxlan).toMatch(new RegExp(`vxlan id 4096 local ${own.address} dev eth0 .* dstport 4789 nolearning `));
        for (const peer of peers) {
          expect(await onNode(name, 'ip', 'route')).toContain(
            `${peer.block} via ${peer.vxlan} dev vxlan.calico onlink mtu 1450`,
          );
        }
      }
      const tcpdump = ['exec', B, '--', 'timeout', '20', 'tcpdump', '-Z', 'root', '-i', 'eth0', '-n', '-c', '10'];
      const { stdout } = await home.expects(0, [...tcpdump, 'udp port 51820']);
      const packet =
        /^[\d:.]+ IP 172\.18\.0\.(3\.51820 > 172\.18\.0\.4|4\.51820 > 172\.18\.0\.3)\.51820: UDP, length \d+$/;
      expect(
        stdout
          .trim()
          .split('\n')
          .filter((line) => !packet.test(line)),
      ).toEqual([]);
    });

    it('makes the nodes follow FelixConfiguration while they run', async () => {
      await encrypt();
      const follow = async (spec: object, command: string, pattern: RegExp) => {
        expect(await told(felixPatch(spec))).toBe('felixconfiguration.projectcalico.org/default patched\n');
        for (const node of NODES) await showsOn(node, command, pattern);
      };
      try {
        await follow(
          { wireguardListeningPort: 51999 },
          'wg',
          /listening port: 51999\n(.*\n)+ {2}endpoint: [\d.]+:51999\n(.*\n)*? {2}endpoint: [\d.]+:51999\n/,
        );
        await follow({ wireguardMTU: 1300 }, 'ip link show wireguard.cali', / mtu 1300 /);
        await follow(
          { wireguardRoutingRulePriority: 123 },
          'ip rule',
          /^0:.*\n123:\tnot from all fwmark 0x200000\/0x200000 lookup 1\n32766:/,
        );
        await follow({ wireguardKeepAlive: '25s' }, 'wg', /(keepalive: every 25 seconds[\s\S]*){2}/);
        await follow(
          { wireguardInterfaceName: 'wg0' },
          'ip route show table 1',
          /^(throw .*\n)(\S+ dev wg0 scope link \n){6}$/,
        );
        await showsOn(A, 'wg', /^interface: wg0\n/);
        const [a, b] = [await podOn(A), await podOn(B)];
        expect(await told(`exec -n nc ${a.name} -- ping -c1 -w5 ${b.address}`)).toContain('1 packets received');
        await showsOn(A, 'wg show wg0 latest-handshakes', /\t[1-9]\d*$/m);
        await follow({ wireguardEnabled: false }, 'ip rule', /^0:.*\n32766:/);
        for (const node of NODES) expect(await onNode(node, 'wg')).toBe('');
        expect(await told('get nodes -o yaml')).not.toContain('Wireguard');
        expect(await told(`exec -n nc ${a.name} -- ping -c1 -w5 ${b.address}`)).toContain('1 packets received');
      } finally {
        await setFelix({ wireguardEnabled: false });
      }
    });

    it("obeys a node's own FelixConfiguration", async () => {
      const facts = await encrypt();
      const own = JSON.stringify({
        apiVersion: 'projectcalico.org/v3',
        kind: 'FelixConfiguration',
        metadata: { name: `node.${B}` },
        spec: { wireguardEnabled: false },
      });
      await told('apply -f -', own);
      try {
        const { block } = facts.find(({ name }) => name === B) ?? {};
        await showsOn(A, 'ip route show table 1', new RegExp(`^throw ${block}`, 'm'));
        await showsOn(B, 'ip rule', /^0:.*\n32766:/);
        expect((await nodeFacts()).map(({ key }) => key !== undefined)).toEqual([true, true, false]);
        expect(await onNode(A, 'wg', 'show', 'wireguard.cali', 'peers')).toBe(`${facts[0]?.key}\n`);
      } finally {
        await told('delete -f -', own);
      }
      await showsOn(A, 'wg show wireguard.cali peers', /^(\S+\n){2}$/);
    });

    it.each([
      [{ wireguardListeningPort: 70000 }, 'must be a whole number from 1 to 65535'],
      [{ wireguardRoutingRulePriority: 0 }, 'must be a whole number from 1 to 32765'],
      [{ wireguardMTU: -1 }, 'must be a whole number from 0 to 65535'],
      [{ wireguardInterfaceName: 'eth0' }, '"eth0" is the name of another interface of the node'],
      [{ wireguardInterfaceName: 'longer-than-the-kernel-takes' }, 'must be an interface name'],
      [{ wireguardKeepAlive: '25' }, 'must be a duration such as "25s"'],
      [{ wireguardHostEncryptionEnabled: true }, 'the embedded engine encrypts what pods send, not what nodes send'],
    ])('refuses FelixConfiguration %j', async (spec, why) => {
      const [field = '', value] = Object.entries(spec)[0] ?? [];
      const said = await refused(felixPatch(spec));
      expect(said).toMatch(/^The FelixConfiguration "default" is invalid: /);
      expect(said).toContain(`spec.${field}: Invalid value: ${JSON.stringify(value)}: ${why}`);
      expect(await told('get felixconfiguration default -o yaml')).not.toContain(
        String(value === true ? field : value),
      );
    });

    it('warns of what has no effect here, once: when it is written', async () => {
      const says = async (spec: object) => (await kubectl.run(felixPatch(spec))).stderr;
      try {
        expect(await says({ bpfEnabled: true })).toBe(
          "Warning: spec.bpfEnabled: accepted, without effect in wglab's embedded engine\n",
        );
        expect(await says({ reportingInterval: '30s', wireguardMTU: 1400 })).toMatch(
          /^Warning: spec.reportingInterval: .*\n$/,
        );
        expect(await says({ wireguardMTU: 1401 })).toBe('');
      } finally {
        await setFelix({ wireguardEnabled: false });
      }
    });

    it.each([
      ['get gateways', '', `error: the server doesn't have a resource type "gateways"\n`],
      ['get pods -n nowhere nobody', '', 'Error from server (NotFound): pods "nobody" not found\n'],
      [
        'apply -n nowhere -f -',
        COUNTER,
        'Error from server (NotFound): error when creating "STDIN": namespaces "nowhere" not found\n',
      ],
      ['apply -f -', COUNTER.replace('restartPolicy', 'restartPolicies'), 'unknown field "spec.restartPolicies"'],
      [
        'apply -f -',
        'apiVersion: example.com/v1\nkind: Toaster\nmetadata: {name: t}\n',
        'no matches for kind "Toaster" in version "example.com/v1"',
      ],
      [
        'apply -f -',
        NC_DEMO.replace('containerPort: 12345', 'containerPort: many'),
        'json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32',
      ],
      ['exec -n nc daemonset/nc -c other -- sh', '', 'container other not found in pod nc-'],
      ['exec -n nc nobody -- sh', '', 'pods "nobody" not found'],
      ['wait --for=condition=ready node/nobody --timeout=1s', '', 'nodes "nobody" not found'],
    ])('fails as Kubernetes does: %s', async (args, input, words) => {
      const said = await refused(args, input);
      expect(said).toContain(words);
      expect(said).not.toMatch(/\n\s+at |panic/);
    });
  });
});
