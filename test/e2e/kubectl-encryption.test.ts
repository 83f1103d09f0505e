import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KUBECTLS, type Kubectl, NO_KUBECTL } from './support/kubectl.ts';
import {
  A,
  B,
  CONTROL,
  felixPatch,
  KubectlLab,
  listens,
  MANIFESTS,
  NODES,
  ncPod,
  setFelix,
  WAITS,
} from './support/kubectl-lab.ts';

/** The DaemonSet of the workshop on netcat, as its text has it. */
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

/** Two pods that name their nodes, as the workshop on end-to-end encryption has them. */
function podsOnNodes(image: string, command = ''): string {
  const podOn = (node: string, i: number) => `apiVersion: v1
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
`;
  return [A, B].map(podOn).join('');
}

/** The network facts that a node publishes. */
interface NodeFacts {
  name: string;
  address: string | undefined;
  block: string | undefined;
  vxlan: string | undefined;
  wireguard: string | undefined;
  key: string | undefined;
}

interface Listed {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: { node?: string; cidr?: string };
}

async function nodeFacts({ told }: Kubectl): Promise<NodeFacts[]> {
  const list = async (kind: string): Promise<Listed[]> => JSON.parse(await told(`get ${kind} -o json`)).items;
  const [nodes, affinities] = [await list('nodes'), await list('blockaffinities')];
  return nodes.map(({ metadata: { name, annotations = {} } }) => ({
    name,
    address: annotations['projectcalico.org/IPv4Address']?.split('/')[0],
    block: affinities.find(({ spec }) => spec.node === name)?.spec.cidr,
    vxlan: annotations['projectcalico.org/IPv4VXLANTunnelAddr'],
    wireguard: annotations['projectcalico.org/IPv4WireguardInterfaceAddr'],
    key: annotations['projectcalico.org/WireguardPublicKey'],
  }));
}

describe.skipIf(NO_KUBECTL)('encryption by an unchanged kubectl', () => {
  const lab = new KubectlLab();
  beforeAll(() => lab.deploy());
  afterAll(() => lab.end());

  describe.each(KUBECTLS)('%s', (binary) => {
    const kubectl = lab.kubectl(binary);
    const { told, refused } = kubectl;
    afterEach(() => setFelix(kubectl, { wireguardEnabled: false }));

    /** Patches FelixConfiguration in the words of the workshops. */
    const patch = async (spec: object) => {
      expect(await told(felixPatch(spec))).toBe('felixconfiguration.projectcalico.org/default patched\n');
    };

    /** Turns encryption on and gives what the nodes publish once every node is done. */
    const encrypt = async (): Promise<NodeFacts[]> => {
      await patch({ wireguardEnabled: true });
      await lab.showsOn(
        NODES,
        'ip addr show wireguard.cali; ip rule; wg',
        /inet [\s\S]*^99:[\s\S]*^peer:[\s\S]*^peer:/m,
      );
      return nodeFacts(kubectl);
    };

    it('follows the workshop on netcat as it is written, with one connection from clear into the tunnel', async () => {
      try {
        await told('delete ns nc');
        expect(await told('create ns nc')).toBe('namespace/nc created\n');
        expect(await told('apply -f -', NC_DEMO)).toBe('daemonset.apps/nc created\n');
        await told('rollout status ds/nc -n nc --timeout=20s');
        // Without a toleration none is on the control plane.
        expect(
          (await told('get pods -n nc -owide')).match(/^nc-\w{5} +1\/1 +Running .* wireguard-worker2? /gm),
        ).toHaveLength(2);
        const [a, b] = [await ncPod(kubectl, A), await ncPod(kubectl, B)];
        const server = kubectl.terminal(`exec -it -n nc ${a.name} -- sh`);
        const client = kubectl.terminal(`exec -it -n nc ${b.name} -- sh`);
        server.type('nc -l -p 12345\r');
        await listens(kubectl, a.name, 12345);
        client.type(`nc ${a.address} 12345\r`);
        client.type('hello in clear\r');
        await server.prints(/^hello in clear\r$/m);
        await patch({ wireguardEnabled: true });
        const device =
          /^interface: wireguard.cali\n {2}public key: \S+\n {2}private key: \(hidden\)\n {2}listening port: 51820\n {2}fwmark: 0x200000\n/;
        await lab.showsOn([A, B], 'wg', device);
        await lab.showsOn([A, B], 'ip rule', /^99:/m);
        client.type('hello in the tunnel\r');
        await server.prints(/^hello in the tunnel\r$/m);
        server.type('and hello back\r');
        await client.prints(/^and hello back\r$/m);
        await lab.showsOn([A, B], 'wg show wireguard.cali latest-handshakes', /\t[1-9]\d*$/m);
        for (const terminal of [server, client]) terminal.type('\x03');
        for (const terminal of [server, client]) terminal.type('exit 0\r');
        expect(await Promise.all([server.ended, client.ended])).toEqual([0, 0]);
      } finally {
        // It warns of the namespace, which was made without a file.
        await kubectl.run(['apply', '-f', join(MANIFESTS, 'nc.yaml')]);
        await told('rollout status ds/nc -n nc --timeout=30s');
      }
    });

    it('follows the workshop on end-to-end encryption, and says of its image that there is none here', async () => {
      const [, one] = await encrypt();
      const lines = (await told('get nodes -o yaml')).split('\n');
      const shown = lines.filter((line) => /kubernetes.io\/hostname|Wireguard/.test(line)).map((line) => line.trim());
      expect(shown.slice(3, 6)).toEqual([
        `projectcalico.org/IPv4WireguardInterfaceAddr: ${one?.wireguard}`,
        `projectcalico.org/WireguardPublicKey: ${one?.key}`,
        `kubernetes.io/hostname: ${A}`,
      ]);
      try {
        await told('apply -f -', podsOnNodes('praqma/network-multitool'));
        const reason = '{.status.containerStatuses[0].state.waiting.reason}';
        await told(`wait pod/pod-1 --for=jsonpath=${reason}=ErrImagePull --timeout=10s`);
        expect(await told('get pods -o wide')).toMatch(
          /^pod-1 +0\/1 +ErrImagePull +0 +\S+ +<none> +wireguard-worker /m,
        );
        const why = await told('describe pod pod-1');
        expect(why).toMatch(/Warning +Failed .*no image "praqma\/network-multitool".*busybox/);
        expect(await refused('exec pod-1 -- bash')).toContain('container not running (pod-1)');
        expect(await refused('wait pod/pod-1 --for=condition=ready --timeout=1s')).toContain('timed out waiting');
        await told('delete -f -', podsOnNodes('praqma/network-multitool'));
        await told('apply -f -', podsOnNodes('busybox', WAITS));
        await told('wait pod/pod-1 pod/pod-2 --for=condition=ready --timeout=20s');
        expect(await told('get pods -o wide')).toMatch(
          /^pod-2 +1\/1 +Running +0 +\S+ +192\.168\.\d+\.\d+ +wireguard-worker2 /m,
        );
        const scheduled = '{.status.conditions[?(@.type=="PodScheduled")].status}';
        expect(await told(`get pod pod-1 -o jsonpath=${scheduled}`)).toBe('True');
        const address = await told('get pod pod-2 -o jsonpath={.status.podIP}');
        const tcpdump = ['timeout', '20', 'tcpdump', '-Z', 'root', '-l', '-n', '-c', '4', '-i', 'wireguard.cali'];
        const capture = lab.home.start(['exec', A, '--', ...tcpdump, 'host', address]);
        await capture.prints(/listening on wireguard.cali, link-type RAW/);
        const pinged = await told(`exec pod-1 -- ping -c2 -i0.2 ${address}`);
        expect(pinged).toContain('2 packets transmitted, 2 packets received');
        expect((await capture.ended).stdout).toMatch(new RegExp(`IP 192[.0-9]+ > ${address}: ICMP echo request`));
        // Made with encryption on, and so with the room that it leaves.
        expect(await told('exec pod-1 -- ip link show eth0')).toContain(' mtu 1440 ');
      } finally {
        await told('delete pod --ignore-not-found pod-1 pod-2');
      }
    });

    it('gives the nodes what the workshop on microservices shows, in the numbers of Calico 3.32', async () => {
      const facts = await encrypt();
      expect(await told('get felixconfiguration default -o yaml')).toMatch(/^ {2}wireguardEnabled: true$/m);
      const check = async (own: NodeFacts) => {
        const peers = facts.filter((other) => other !== own);
        const [link, address, wg, rules, table, vxlan, main] = await lab.onNode(
          own.name,
          'ip -d link show wireguard.cali',
          'ip addr show wireguard.cali',
          'wg show',
          'ip rule',
          'ip route show table 1',
          'ip -d link show vxlan.calico',
          'ip route',
        );
        expect(own.key).toMatch(/^[A-Za-z0-9+/]{43}=$/);
        expect(link).toMatch(
          /^\d+: wireguard.cali: <POINTOPOINT,(MULTICAST,)?NOARP,UP,LOWER_UP> mtu 1440 .*\n {4}link\/none/,
        );
        expect(link).toMatch(/^ {4}(wireguard|tun type tun) /m);
        expect(address).toContain(
          `\n    inet ${own.wireguard}/32 scope global wireguard.cali\n       valid_lft forever preferred_lft forever\n`,
        );
        const [device, ...shownPeers] = wg.split('\n\n');
        expect(device).toBe(
          `interface: wireguard.cali\n  public key: ${own.key}\n  private key: (hidden)\n  listening port: 51820\n  fwmark: 0x200000`,
        );
        const allowed = shownPeers.map((text) => {
          const [, key, endpoint, ips = ''] =
            /^peer: (.*)\n {2}endpoint: (.*)\n {2}allowed ips: (.*)$/m.exec(text) ?? [];
          return { key, endpoint, ips: ips.split(', ').sort() };
        });
        const wanted = peers.map(({ key, address, block, vxlan, wireguard }) => {
          return { key, endpoint: `${address}:51820`, ips: [block, `${vxlan}/32`, `${wireguard}/32`].sort() };
        });
        expect(new Set(allowed)).toEqual(new Set(wanted));
        expect(rules.split('\n')).toEqual([
          '0:\tfrom all lookup local',
          '99:\tnot from all fwmark 0x200000/0x200000 lookup 1',
          '32766:\tfrom all lookup main',
          '32767:\tfrom all lookup default',
          '',
        ]);
        const tunnelled = peers.flatMap(({ block, vxlan, wireguard }) => [block, vxlan, wireguard]);
        const routes = table
          .trimEnd()
          .split('\n')
          .map((line) => line.trimEnd());
        expect(routes.sort()).toEqual(
          [`throw ${own.block}`, ...tunnelled.map((to) => `${to} dev wireguard.cali scope link`)].sort(),
        );
        expect(vxlan).toContain(' mtu 1450 ');
        expect(vxlan).toMatch(new RegExp(`vxlan id 4096 local ${own.address} dev eth0 .*dstport 4789 nolearning `));
        for (const { block, vxlan } of peers) {
          expect(main).toContain(`${block} via ${vxlan} dev vxlan.calico onlink mtu 1450`);
        }
      };
      await Promise.all(facts.map(check));
      const tcpdump = ['timeout', '20', 'tcpdump', '-Z', 'root', '-i', 'eth0', '-n', '-c', '10', 'udp port 51820'];
      const { stdout } = await lab.home.expects(0, ['exec', B, '--', ...tcpdump]);
      const packet = /^\S+ IP 172\.18\.0\.(3\.51820 > 172\.18\.0\.4|4\.51820 > 172\.18\.0\.3)\.51820: UDP, length \d+$/;
      expect(
        stdout
          .trimEnd()
          .split('\n')
          .filter((line) => !packet.test(line)),
      ).toEqual([]);
    });

    it('makes the nodes follow FelixConfiguration while they run', async () => {
      await encrypt();
      const follow = async (spec: object, command: string, pattern: RegExp) => {
        await patch(spec);
        await lab.showsOn(NODES, command, pattern);
      };
      const [a, b] = [await ncPod(kubectl, A), await ncPod(kubectl, B)];
      const ping = `exec -n nc ${a.name} -- ping -c1 -w5 ${b.address}`;
      await follow(
        { wireguardListeningPort: 51999 },
        'wg',
        /listening port: 51999\n(?:[\s\S]*endpoint: [\d.]+:51999\n){2}/,
      );
      await follow({ wireguardMTU: 1300 }, 'ip link show wireguard.cali', / mtu 1300 /);
      const rule = /^0:.*\n123:\tnot from all fwmark 0x200000\/0x200000 lookup 1\n32766:/;
      await follow({ wireguardRoutingRulePriority: 123 }, 'ip rule', rule);
      await follow({ wireguardKeepAlive: '25s' }, 'wg', /(?:persistent keepalive: every 25 seconds[\s\S]*){2}/);
      await follow({ wireguardInterfaceName: 'wg0' }, 'ip route show table 1', /^(?:[\s\S]*dev wg0 scope link){6}/);
      await lab.showsOn(NODES, 'wg', /^interface: wg0\n/);
      await lab.showsOn(NODES, 'ip rule', rule);
      expect(await told(ping)).toContain('1 packets received');
      await lab.showsOn([A, B], 'wg show wg0 latest-handshakes', /\t[1-9]\d*$/m);
      await follow({ wireguardEnabled: false }, 'ip rule; wg', /^0:.*\n32766:.*\n32767:.*\n$/);
      expect(await told('get nodes -o yaml')).not.toContain('Wireguard');
      expect(await told(ping)).toContain('1 packets received');
    });

    it("obeys a node's own FelixConfiguration", async () => {
      const facts = await encrypt();
      const [control, , b] = facts;
      const own = JSON.stringify({
        apiVersion: 'projectcalico.org/v3',
        kind: 'FelixConfiguration',
        metadata: { name: `node.${B}` },
        spec: { wireguardEnabled: false },
      });
      await told('apply -f -', own);
      try {
        await lab.showsOn([CONTROL, A], 'ip route show table 1', new RegExp(`^throw ${b?.block}`, 'm'));
        await lab.showsOn([B], 'ip rule; wg', /^0:.*\n32766:.*\n32767:.*\n$/);
        const after = await nodeFacts(kubectl);
        expect(after.map(({ key }) => key)).toEqual([facts[0]?.key, facts[1]?.key, undefined]);
        expect(await lab.onNode(A, 'wg show wireguard.cali peers')).toEqual([`${control?.key}\n`]);
      } finally {
        await told('delete -f -', own);
      }
      await lab.showsOn(NODES, 'wg show wireguard.cali peers', /^(\S+\n){2}$/);
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
      const generation = 'get felixconfiguration default -o jsonpath={.metadata.generation}';
      const before = await told(generation);
      const [field = '', value] = Object.entries(spec)[0] ?? [];
      const words = `spec.${field}: Invalid value: ${JSON.stringify(value)}: ${why}`;
      expect(await refused(felixPatch(spec))).toContain(`The FelixConfiguration "default" is invalid: ${words}`);
      expect(await told(generation)).toBe(before);
    });

    it('warns of what has no effect here when it is written, and not again', async () => {
      const says = async (spec: object) => (await kubectl.run(felixPatch(spec))).stderr;
      const warning = "Warning: spec.bpfEnabled: accepted, without effect in wglab's embedded engine\n";
      expect(await says({ bpfEnabled: true })).toBe(warning);
      expect(await says({ wireguardMTU: 1400 })).toBe('');
      expect(await says({ bpfEnabled: false })).toBe(warning);
    });
  });
});
