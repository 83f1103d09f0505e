import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { SysctlWrite } from '../../../cni/calico/dataplane/types.ts';
import type { Link } from '../../../lab/linux-nodes.ts';
import { runTool, ToolError } from '../../../process/tool.ts';
import type { EngineOrder } from '../messages.ts';
import { IMAGE_BIN, nodeRunFolder, RUN_FOLDER } from '../pod/image.ts';
import { createNodeNamespaces, type NodeNamespaces } from './node-namespaces.ts';

/** A plain host next to the cluster: containerlab's kind `linux`. */
export interface LinuxHost {
  namespaces: NodeNamespaces;
  /** Variables for the environment of its commands, in addition to the engine's own. */
  env: Record<string, string>;
}

type Hosts = NonNullable<EngineOrder['hosts']>;

/**
 * Makes the hosts, which have the machine's own tools and busybox' for what it lacks (ping, nc), and the cables between them and the
 * cluster's nodes, then runs what each of them is to run. Throws ToolError with what the tools printed; if such a command fails, with
 * the host's name.
 */
export async function makeLinuxHosts(
  { linux, external, links }: Hosts,
  image: Promise<void>,
  making: Promise<readonly NodeNamespaces[]>,
): Promise<Map<string, LinuxHost>> {
  if (!existsSync('/etc/wireguard')) {
    throw new ToolError(
      ['/etc/wireguard'],
      'there is no such folder to put another in its place; install wireguard-tools',
      '',
    );
  }
  mkdirSync(IMAGE_BIN, { recursive: true }); // it may still be in the making
  const hostsFile = `${RUN_FOLDER}/hosts-of-linux`;
  writeFileSync(hostsFile, '127.0.0.1 localhost\n::1 localhost\n');
  const made = await Promise.all(
    linux.map(async ({ name, env }): Promise<[string, LinuxHost]> => {
      const wireguard = `${RUN_FOLDER}/wireguard/${name}`;
      mkdirSync(wireguard, { recursive: true, mode: 0o700 });
      mkdirSync(nodeRunFolder(name), { recursive: true });
      const folders = { wireguard, tools: IMAGE_BIN };
      const namespaces = await createNodeNamespaces(name, hostsFile, nodeRunFolder(name), folders);
      await namespaces.run({ kind: 'sysctl', writes: [...HOST_SYSCTLS] });
      return [name, { namespaces, env: { PATH: `${process.env.PATH ?? ''}:/run/tools`, ...env } }];
    }),
  );
  const hosts = new Map(made);
  const nodes = external.length === 0 ? [] : await making;
  const clusterHosts = external.flatMap(({ name }): [string, LinuxHost][] => {
    const namespaces = nodes.find((node) => node.name === name);
    return namespaces ? [[name, { namespaces, env: {} }]] : [];
  });
  const all = new Map([...made, ...clusterHosts]);
  const cables = links.map((link) => cableLine(link, (node) => all.get(node)?.namespaces.pid ?? 0));
  await runTool(['ip', '-batch', '-'], `${cables.join('\n')}\n`);
  await Promise.all([...all].map(([name, { namespaces }]) => plugIn(namespaces, interfacesOf(name, links))));
  await image;
  await Promise.all([...linux, ...external].map(({ name, exec }) => runAll(name, all.get(name), exec)));
  return hosts;
}

/** As for the cluster's nodes, they do not depend on the machine; and no wait for an address to be known as nobody else's. */
const HOST_SYSCTLS: readonly SysctlWrite[] = [
  { path: 'net/ipv4/conf/all/rp_filter', value: '0' },
  { path: 'net/ipv4/conf/default/rp_filter', value: '0' },
  { path: 'net/ipv6/conf/default/accept_dad', value: '0', optional: true },
  { path: 'net/ipv6/conf/default/router_solicitations', value: '0', optional: true },
];

/** Line for the holder's namespace: a veth pair that has neither of its ends there. */
function cableLine({ ends: [a, b], mtu }: Link, pidOf: (node: string) => number): string {
  const [one, other] = [a, b].map((end) => `name ${end.interface} mtu ${mtu} netns ${pidOf(end.node)}`);
  return `link add ${one} type veth peer ${other}`;
}

function interfacesOf(node: string, links: readonly Link[]): string[] {
  return links.flatMap(({ ends }) => ends.filter((end) => end.node === node).map((end) => end.interface));
}

async function plugIn(host: NodeNamespaces, interfaces: readonly string[]): Promise<void> {
  await host.run({ kind: 'batch', tool: 'ip', lines: ['lo', ...interfaces].map((name) => `link set dev ${name} up`) });
}

async function runAll(name: string, host: LinuxHost | undefined, commands: readonly string[][]): Promise<void> {
  for (const words of commands) {
    if (!host) continue;
    const options = { env: { ...process.env, ...host.env } };
    await runTool(host.namespaces.enter(words), '', options).catch((error) => {
      throw new Error(`exec of the node ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
    });
  }
}
