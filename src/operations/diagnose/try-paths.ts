import { setTimeout as delay } from 'node:timers/promises';
import type { NodeFindings } from '../../cni/calico/diagnosis/facts.ts';
import { type WireguardDevice, wireguardDevice } from '../../cni/calico/keys.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';
import type { PodAddress } from './ask-node.ts';

/** With how many others each node is tried. */
const OTHERS = 8;
/** How long a datagram may take through a tunnel; a lost handshake is tried again after 5 s. */
const ARRIVE_MS = 6000;
/** The packets that are sent from pod to pod: more than the lab's own traffic in that time. */
const DATAGRAMS = 32;
const BYTES = 1000;

type Tried = Pick<NodeFindings, 'tunnels' | 'traffic'>;
type Devices = ReadonlyMap<string, WireguardDevice>;

/**
 * Sends packets through the tunnels of nodes, and from pods to pods of other nodes, and sees in WireGuard's own counters what became
 * of them. Returns what was tried, by the names of the nodes.
 */
export async function tryPaths(
  shell: NodeShell,
  nodes: readonly NodeFindings[],
  family: 4 | 6,
  pods: readonly PodAddress[],
): Promise<Map<string, Tried>> {
  const usable = nodes.filter(({ unprobed, device, wireguardAddress }) => !unprobed && device?.up && wireguardAddress);
  const targets = new Map(usable.map((node, i) => [node, ring(usable, i)]));
  const devices = () => devicesOf(shell, usable, family);
  const tunnels = await tryTunnels(shell, targets, devices);
  const traffic = await tryTraffic(shell, targets, devices, pods);
  return new Map(
    usable.map(({ name }) => [
      name,
      {
        ...(tunnels.has(name) ? { tunnels: tunnels.get(name) ?? [] } : {}),
        ...(traffic.get(name) ? { traffic: traffic.get(name) ?? [] } : {}),
      },
    ]),
  );
}

/** The nodes that follow one of them. */
function ring(nodes: readonly NodeFindings[], i: number): NodeFindings[] {
  return [...nodes.slice(i + 1), ...nodes.slice(0, i)].slice(0, OTHERS);
}

async function devicesOf(shell: NodeShell, nodes: readonly NodeFindings[], family: 4 | 6): Promise<Devices> {
  const found = await Promise.all(
    nodes.map(async ({ name, felix }) => [name, await wireguardDevice(shell, name, felix.interface, family)] as const),
  );
  return new Map(found.flatMap(([name, device]) => (device ? [[name, device] as const] : [])));
}

/** The bytes that a node's device has received from another, or sent to it. */
function counter(devices: Devices, node: string, other: NodeFindings, which: 'rx' | 'tx'): number {
  return devices.get(node)?.peers.find(({ publicKey }) => publicKey === other.publicKey)?.[which] ?? 0;
}

const SEND = 'while read -r address; do printf . > "/dev/udp/$address/9"; done';

async function tryTunnels(
  shell: NodeShell,
  targets: ReadonlyMap<NodeFindings, NodeFindings[]>,
  devices: () => Promise<Devices>,
): Promise<Map<string, { node: string; arrived: boolean }[]>> {
  const before = await devices();
  const end = performance.now() + ARRIVE_MS;
  await Promise.all(
    [...targets].map(async ([{ name }, others]) => {
      const addresses = others.map(({ wireguardAddress }) => `${wireguardAddress}\n`).join('');
      await finish(await shell(name, ['bash', '-c', SEND]), addresses);
    }),
  );
  for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
    const now = await devices();
    const arrived = new Map(
      [...targets].map(([node, others]) => [
        node.name,
        others.map((other) => ({
          node: other.name,
          arrived: counter(now, other.name, node, 'rx') > counter(before, other.name, node, 'rx'),
        })),
      ]),
    );
    const isDone = [...arrived.values()].every((each) => each.every((one) => one.arrived));
    if (isDone || performance.now() > end) return arrived;
    await delay(pause);
  }
}

/**
 * Enters the network of a pod, which is that of some process of this node, and sends from there. Arguments: the pod's address,
 * family, underlay device, datagrams, bytes; standard input: addresses. Prints how much left by the underlay, and who answered.
 */
const SEND_FROM_POD = `entry= seen=
for process in /proc/[0-9]*; do
  net=$(readlink "$process/ns/net" 2> /dev/null) || continue
  case " $seen " in *" $net "*) continue ;; esac
  seen="$seen $net"
  nsenter "--net=$process/ns/net" ip -o "$2" address show 2> /dev/null | grep -qF " $1/" && entry=$process/ns/net && break
done
[ -n "$entry" ] || exit 3
while read -r address; do
  before=$(cat "/sys/class/net/$3/statistics/tx_bytes")
  nsenter "--net=$entry" bash -c 'text=$(printf "%*s" "$3" "") i=0
    while [ $i -lt "$2" ]; do printf %s "$text" > "/dev/udp/$1/9"; i=$((i + 1)); done' send "$address" "$4" "$5" 2> /dev/null
  after=$(cat "/sys/class/net/$3/statistics/tx_bytes")
  said=$(nsenter "--net=$entry" timeout 6 bash -c 'exec 3<> "/dev/tcp/$1/9"' call "$address" 2>&1) && said=open
  case $said in open | *refused*) said=answered ;; *) said=silent ;; esac
  printf '%s\\t%s\\t%s\\n' "$address" "$((after - before))" "$said"
done`;

async function tryTraffic(
  shell: NodeShell,
  targets: ReadonlyMap<NodeFindings, NodeFindings[]>,
  devices: () => Promise<Devices>,
  pods: readonly PodAddress[],
): Promise<Map<string, NodeFindings['traffic']>> {
  const podOn = (name: string) => pods.find(({ node }) => node === name)?.address;
  const found = new Map<string, NodeFindings['traffic']>();
  // One node after the other: the counters of two that send to each other could not be told apart.
  for (const [node, others] of targets) {
    const from = podOn(node.name);
    const sendTo = others.flatMap((other) => {
      const to = podOn(other.name);
      return to === undefined ? [] : [{ other, to }];
    });
    if (from === undefined || sendTo.length === 0 || node.underlay === undefined) continue;
    const before = await devices();
    const argv = [from, node.device?.addresses[0]?.includes(':') ? '-6' : '-4', node.underlay.device];
    const remote = await shell(node.name, [
      'bash',
      '-c',
      SEND_FROM_POD,
      'send',
      ...argv,
      String(DATAGRAMS),
      String(BYTES),
    ]);
    const { status, stdout } = await finish(remote, sendTo.map(({ to }) => `${to}\n`).join(''));
    if (status !== 0) continue;
    const after = await devices();
    const said = new Map(stdout.split('\n').map((line) => [line.split('\t')[0], line.split('\t')] as const));
    const grown = (name: string, peer: NodeFindings, which: 'rx' | 'tx') =>
      counter(after, name, peer, which) - counter(before, name, peer, which);
    found.set(
      node.name,
      sendTo.flatMap(({ other, to }) => {
        const [, left, answer] = said.get(to) ?? [];
        if (left === undefined) return [];
        const carriedBytes = grown(node.name, other, 'tx');
        return [
          {
            ...{ from, to, node: other.name, sentBytes: DATAGRAMS * BYTES, carriedBytes },
            arrivedBytes: grown(other.name, node, 'rx'),
            besideBytes: Math.max(0, Number(left) - carriedBytes),
            answered: answer === 'answered',
          },
        ];
      }),
    );
  }
  return found;
}
