import { readDocument } from '../../../lab/document.ts';
import type { Lab } from '../../../lab/lab.ts';
import type { Check } from '../../../machine/check.ts';
import { type Cidr, overlap, parseCidr } from '../../../net/cidr.ts';
import { runTool } from '../../../process/tool.ts';
import { docker } from '../docker.ts';

const ANSWER_MS = 5_000;

/** Kind's network in Docker, which it makes if there is none; it leaves the choice of the subnet to Docker. */
const KIND = 'kind';

/** The management network of a topology that says nothing of it (containerlab, core/config.go). */
const CLAB = { name: 'clab', subnets: ['172.20.20.0/24', '3fff:172:20:20::/64'] };

/** Docker's own pools, in their order, where its daemon.json names no others (moby, libnetwork/ipamutils). */
const POOLS: readonly Pool[] = [
  ...['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/14', '172.24.0.0/14', '172.28.0.0/14'].map(
    (Base) => ({ Base, Size: 16 }),
  ),
  { Base: '192.168.0.0/16', Size: 20 },
];

/** As `docker info` has it: subnets of so many bits out of a larger one. */
export interface Pool {
  Base: string;
  Size: number;
}

export interface DockerNetwork {
  name: string;
  subnets: readonly string[];
}

export interface Subnets {
  /** The lab's own: of pods and of services. */
  wanted: readonly string[];
  /** The output of `ip -o route`, of both families. */
  routes: string;
  /** The networks of Docker; undefined if it does not answer. */
  networks: readonly DockerNetwork[] | undefined;
  pools: readonly Pool[];
  /** containerlab's management network, which it makes if there is none. */
  management: DockerNetwork;
}

/** Networks of the lab, of containerlab and of kind that are in the way of each other, of Docker's or of this machine's routes. */
export async function subnetCheck(lab: Lab, pools: readonly Pool[] | undefined, hasDocker: boolean): Promise<Check> {
  const { cluster } = lab;
  const check = { name: 'subnets', needed: 'networks for pods, services and nodes that nothing else here uses' };
  const [routes, networks, management] = await Promise.all([
    routesHere(),
    hasDocker ? dockerNetworks().catch(() => undefined) : undefined, // that Docker does not answer is reported already
    managementNetwork(lab),
  ]);
  if (routes === undefined) return { ...check, ok: 'warning', seen: 'the routes of this machine cannot be read' };
  const wanted = `${cluster.podSubnet},${cluster.serviceSubnet}`.split(',');
  const clashes = subnetClashes({ wanted, routes, networks, pools: pools ?? POOLS, management });
  if (clashes.length === 0) return { ...check, ok: true, seen: [...wanted, ...management.subnets].join(', ') };
  const seen = clashes.map(({ seen: what }) => what).join('; ');
  const remedy = [...new Set(clashes.map(({ remedy: what }) => what))].join('; ');
  return { ...check, ok: 'warning', seen, remedy };
}

async function routesHere(): Promise<string | undefined> {
  const families = ['-4', '-6'].map((family) => runTool(['ip', '-o', family, 'route', 'show', 'table', 'main']));
  const [four, six] = await Promise.allSettled(families);
  return four?.status === 'fulfilled' ? four.value + (six?.status === 'fulfilled' ? six.value : '') : undefined;
}

async function dockerNetworks(): Promise<DockerNetwork[]> {
  const names = (await docker(['network', 'ls', '--format', '{{.Name}}'], { timeoutMs: ANSWER_MS })).trim().split('\n');
  const format = '{{.Name}}{{range .IPAM.Config}} {{.Subnet}}{{end}}';
  const listed = await docker(['network', 'inspect', '--format', format, ...names], { timeoutMs: ANSWER_MS });
  return listed.split('\n').flatMap((line) => {
    const [name = '', ...subnets] = line.trim().split(' ');
    return name === '' ? [] : [{ name, subnets: subnets.filter((subnet) => parseCidr(subnet) !== undefined) }];
  });
}

async function managementNetwork({ topology }: Lab): Promise<DockerNetwork> {
  const { mgmt = {} } = (await readDocument(topology.file)).value as { mgmt?: Record<string, unknown> };
  const text = (value: unknown) => (typeof value === 'string' ? [value] : []);
  const own = [...text(mgmt['ipv4-subnet']), ...text(mgmt['ipv6-subnet'])].filter((subnet) => parseCidr(subnet));
  return { name: text(mgmt.network)[0] ?? CLAB.name, subnets: own.length > 0 ? own : CLAB.subnets };
}

interface Clash {
  seen: string;
  remedy: string;
}

const OTHER_NETWORKS =
  'give the lab other networks (podSubnet in the kind configuration, cidr in the Installation), or take the other away';
const MORE_POOLS = 'docker network prune, or other default-address-pools in /etc/docker/daemon.json';

/** Finds what is in the way of what; a network that Docker has already is reported once, by its route. */
export function subnetClashes({ wanted, routes, networks = [], pools, management }: Subnets): Clash[] {
  const routed = clashesOf(routes, wanted).map((seen) => ({ seen, remedy: OTHER_NETWORKS }));
  const isRouted = (subnet: string) => routes.split('\n').some((line) => line.startsWith(`${subnet} `));
  const docked = networks.flatMap(({ name, subnets }) =>
    subnets.flatMap((subnet) =>
      isRouted(subnet)
        ? []
        : overlapping(subnet, wanted).map((text) => ({
            seen: `${text} is also Docker's network ${name}, ${subnet}`,
            remedy: OTHER_NETWORKS,
          })),
    ),
  );
  return [...routed, ...docked, ...managementClashes({ wanted, routes, networks, management }), ...kindClashes()];

  /** The network that kind would get: Docker takes the first subnet of its pools that nothing here uses. */
  function kindClashes(): Clash[] {
    if (networks.length === 0 || networks.some(({ name }) => name === KIND)) return [];
    const used = [...routedNetworks(routes), ...[...networks, management].flatMap(({ subnets }) => subnets)];
    const free = freeSubnet(pools, used);
    if (free === undefined) return [{ seen: "Docker's pools have no free network for kind's", remedy: MORE_POOLS }];
    return overlapping(free, wanted).map((text) => ({
      seen: `${text} is also where Docker would make kind's network, ${free}`,
      remedy: MORE_POOLS,
    }));
  }
}

/** containerlab asks Docker for a subnet by name, and Docker does not look whether this machine has a route to it. */
function managementClashes({ wanted, routes, networks, management }: Omit<Subnets, 'pools'>): Clash[] {
  if (networks?.some(({ name }) => name === management.name)) return [];
  const remedy = `another ipv4-subnet under mgmt in the topology, or take the other away`;
  const inTheWay = management.subnets.flatMap((subnet) => [
    ...clashesOf(routes, [subnet]),
    ...overlapping(subnet, wanted).map((text) => `${text} is also the lab's own`),
    ...(networks ?? []).flatMap(({ name, subnets }) =>
      overlapping(subnet, subnets).map((text) => `${text} is Docker's network ${name}`),
    ),
  ]);
  return inTheWay.slice(0, 1).map((what) => ({ seen: `containerlab's network ${management.name}: ${what}`, remedy }));
}

/** Each route that overlaps one of the networks, in words. */
export function clashesOf(routes: string, wanted: readonly string[]): string[] {
  return routes.split('\n').flatMap((line) => {
    const network = networkIn(line);
    if (network === undefined) return [];
    return overlapping(network, wanted).map((text) => `${text} is also routed here: ${line.trim()}`);
  });
}

function routedNetworks(routes: string): string[] {
  return routes.split('\n').flatMap((line) => networkIn(line) ?? []);
}

/** Nothing for the default route, or for a kind of route with a word in front. */
function networkIn(line: string): string | undefined {
  const [network = ''] = line.split(' ');
  const whole = network.includes('/') ? network : `${network}/${network.includes(':') ? 128 : 32}`;
  return parseCidr(whole) ? whole : undefined;
}

function overlapping(network: string, others: readonly string[]): string[] {
  const cidr = parseCidr(network);
  return others.filter((text) => {
    const other = parseCidr(text);
    return cidr !== undefined && other !== undefined && overlap(cidr, other);
  });
}

/** The first subnet of the pools that overlaps nothing of what is used; IPv4, for kind brings IPv6 of its own. */
export function freeSubnet(pools: readonly Pool[], used: readonly string[]): string | undefined {
  const taken = used.flatMap((text) => parseCidr(text) ?? []);
  for (const { Base, Size } of pools) {
    const pool = parseCidr(Base);
    if (pool?.family !== 4 || Size < pool.prefix) continue;
    for (let i = 0n; i < 1n << BigInt(Size - pool.prefix); i++) {
      const subnet: Cidr = { family: 4, base: pool.base + (i << BigInt(32 - Size)), prefix: Size };
      if (!taken.some((other) => overlap(subnet, other))) return `${dotted(subnet.base)}/${Size}`;
    }
  }
  return undefined;
}

function dotted(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((bits) => (address >> bits) & 255n).join('.');
}
