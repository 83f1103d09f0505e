import { all, type Undo } from './faults.ts';
import type { TestLab } from './lab.ts';

/** A way from one node to another that leads past the tunnel. */
export interface WayPast {
  /** The address of the far end, and the device that leads there. */
  gateway: string;
  device: string;
  undo: Undo;
}

/** The table that the ways are in; a rule leads there. */
const TABLE = '77';

/** The wire that is there already: what takes it is captured, in plaintext. */
export async function overTheWire(lab: TestLab, to: string): Promise<WayPast> {
  return { gateway: await lab.address(to), device: 'eth0', undo: undefined };
}

const FIND = `for process in /proc/[0-9]*; do
  [ "$(readlink "$process/ns/net")" = "$1" ] || continue
  ip link add second type veth peer name second netns "\${process#/proc/}"
  break
done
ip address add 10.77.0.1/24 dev second
ip link set second up`;

/** A second wire between two nodes, which no tap is on. */
export async function overSecondWire(lab: TestLab, from: string, to: string): Promise<WayPast> {
  const namespace = await lab.onNode(to, 'readlink /proc/self/ns/net');
  await lab.onNode(from, FIND, namespace);
  await lab.onNode(to, 'ip address add 10.77.0.2/24 dev second; ip link set second up');
  return { gateway: '10.77.0.2', device: 'second', undo: () => lab.onNode(from, 'ip link del second') };
}

/** Sends what a rule chooses (the words of `ip rule`) on `from` to one address by a way past the tunnel. */
export async function withWayPast(
  lab: TestLab,
  from: string,
  address: string,
  { gateway, device, undo }: WayPast,
  rule: readonly string[],
): Promise<Undo> {
  await lab.onNode(from, 'ip route add "$1" via "$2" dev "$3" onlink table "$4"', address, gateway, device, TABLE);
  await lab.onNode(from, 'ip rule add pref 90 lookup "$@"', TABLE, ...rule);
  return all([
    undo,
    () => lab.onNode(from, 'ip route flush table "$1"', TABLE),
    () => lab.onNode(from, 'ip rule del pref 90'),
  ]);
}
