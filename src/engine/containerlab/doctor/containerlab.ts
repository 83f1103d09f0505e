import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { messageOf } from '../../../errors.ts';
import type { Lab } from '../../../lab/lab.ts';
import type { Check, EngineReport, Fix } from '../../../machine/check.ts';
import { machineChecks } from '../../../machine/machine.ts';
import { remedyOf } from '../../../machine/remedy.ts';
import { runTool } from '../../../process/tool.ts';
import { docker, dockerFailure } from '../docker.ts';
import { isEnough, OLDEST_CONTAINERLAB, privilegeFor, programPath, versionOf } from '../tool.ts';
import { imageChecks } from './images.ts';
import { type Pool, subnetCheck } from './subnets.ts';

const GIB = 1024 ** 3;
const ANSWER_MS = 5_000;

/** The disk space and memory of three nodes with Calico and their images. */
const LEAST_DISK = 6 * GIB;
const LEAST_MEMORY = 4 * GIB;

/** kind's own advice, "Known issues": pod errors due to too many open files. */
const INOTIFY = { 'fs.inotify.max_user_watches': 524_288, 'fs.inotify.max_user_instances': 512 };

/** Examines what the containerlab engine needs for a lab, all of it in parallel. */
export async function examineContainerlab(lab: Lab): Promise<EngineReport> {
  const [machine, { checks: engine, info }, tool, inotify, modules] = await Promise.all([
    machineChecks(),
    dockerChecks(lab),
    containerlabCheck(),
    inotifyChecks(),
    Promise.all(['wireguard', 'vxlan', 'ip_tables'].map(moduleCheck)),
  ]);
  const subnets = await subnetCheck(lab, info?.DefaultAddressPools, info !== undefined);
  const kernel = [moduleSupport(), ...modules, ...inotify];
  const checks = [...machine, ...engine, tool, ...kernel, await memoryCheck(), subnets];
  return {
    engine: 'containerlab',
    ok: checks.every(({ ok }) => ok !== false),
    dataplane: modules[0]?.ok === true ? 'kernel' : null,
    // A person without containerlab has not asked for it, nor for Docker and other settings: gaps are reported, not fixed unasked.
    checks: programPath('containerlab') === undefined ? checks.map(withoutFix) : checks,
  };
}

function withoutFix({ fix: _, ...check }: Check): Check {
  return check;
}

function lacking(check: Pick<Check, 'name' | 'needed'>, seen: string, fix: Fix): Check {
  return { ...check, ok: false, seen, remedy: remedyOf(fix), fix };
}

interface DockerInfo {
  ServerVersion?: string;
  CgroupVersion?: string;
  DockerRootDir?: string;
  Architecture?: string;
  /** Only where daemon.json names some. */
  DefaultAddressPools?: Pool[];
}

async function dockerChecks(lab: Lab): Promise<{ checks: Check[]; info?: DockerInfo }> {
  const check = { name: 'Docker', needed: 'a Docker engine that this user may use' };
  if (programPath('docker') === undefined)
    return { checks: [lacking(check, 'not on PATH', { packages: ['docker.io'] })] };
  let info: DockerInfo;
  try {
    info = JSON.parse(await docker(['info', '--format', '{{json .}}'], { timeoutMs: ANSWER_MS })) as DockerInfo;
    // Its client answers with what it knows itself if the server does not answer.
    if (!info.ServerVersion) throw new Error(`docker info\n${errorsIn(info)}`);
  } catch (error) {
    const { message, remedy, detail } = dockerFailure(messageOf(error));
    const last = detail?.trim().split('\n').at(-1);
    const fix = /start docker/.test(remedy ?? '') ? { fix: { commands: [['systemctl', 'start', 'docker']] } } : {};
    const seen = last ? `${message}: ${last}` : message;
    return { checks: [{ ...check, ok: false, seen, ...(remedy ? { remedy } : {}), ...fix }] };
  }
  const checks = [
    { ...check, ok: true, seen: `${info.ServerVersion}` },
    cgroupCheck(info, lab),
    ...diskChecks(info),
    await privilegedCheck(),
    ...(await imageChecks(lab)),
  ];
  return { checks, info };
}

function errorsIn(info: object): string {
  const errors = 'ServerErrors' in info && Array.isArray(info.ServerErrors) ? info.ServerErrors : [];
  return errors.join('\n');
}

/** Kubernetes 1.35 and later refuse version 1 (kubelet's failCgroupV1). */
function cgroupCheck({ CgroupVersion = 'unknown' }: DockerInfo, lab: Lab): Check {
  const minor = Number(/:v1\.(\d+)\./.exec(lab.topology.image ?? '')?.[1] ?? 35);
  const check = { name: 'control groups', seen: `version ${CgroupVersion}`, needed: 'version 2' };
  if (CgroupVersion === '2') return { ...check, ok: true };
  const remedy = 'boot with systemd.unified_cgroup_hierarchy=1; or use a node image of Kubernetes 1.34: --node-image';
  return { ...check, ok: minor < 35 ? 'warning' : false, remedy };
}

/** Returns nothing if Docker's folder is on another machine, or cannot be seen. */
function diskChecks({ DockerRootDir }: DockerInfo): Check[] {
  const space = diskOf(DockerRootDir ?? '/var/lib/docker') ?? diskOf('/var/lib');
  if (space === undefined) return [];
  const check = { name: "Docker's disk", seen: `${gibibytes(space)} free`, needed: gibibytes(LEAST_DISK) };
  return [space >= LEAST_DISK ? { ...check, ok: true } : { ...check, ok: 'warning', remedy: 'docker system prune' }];
}

function diskOf(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

/** Nodes are privileged containers: where root lacks a capability, as in a container, Docker may not make such. */
async function privilegedCheck(): Promise<Check> {
  const check = { name: 'privileged containers', needed: 'all capabilities for Docker' };
  const status = await readFile('/proc/1/status', 'utf8').catch(() => '');
  const bounding = /^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1];
  const last = await readFile('/proc/sys/kernel/cap_last_cap', 'utf8').catch(() => '');
  if (bounding === undefined || last === '') return { ...check, ok: 'warning', seen: 'cannot be known here' };
  const all = (1n << BigInt(Number(last) + 1)) - 1n;
  const missing = all & ~BigInt(`0x${bounding}`);
  if (missing === 0n) return { ...check, ok: true, seen: 'all capabilities' };
  const remedy = 'run Docker and wglab outside of this container, or use --engine embedded';
  return { ...check, ok: false, seen: `this system's root lacks some (mask ${missing.toString(16)})`, remedy };
}

async function containerlabCheck(): Promise<Check> {
  const check = { name: 'containerlab', needed: `${OLDEST_CONTAINERLAB} or later, as root, by SUID or through sudo` };
  const path = programPath('containerlab');
  const install = 'https://containerlab.dev/install: curl -sL https://get.containerlab.dev | sudo bash';
  if (path === undefined) return { ...check, ok: false, seen: 'not on PATH', remedy: install };
  try {
    const [version, by] = await Promise.all([versionOf(path), privilegeFor(path)]);
    const seen = `${version} (${path}), ${by === undefined ? 'not as root' : SAID[by]}`;
    if (!isEnough(version)) return lacking(check, seen, { commands: [[path, 'version', 'upgrade']] });
    if (by === undefined) return { ...check, ok: false, seen, remedy: 'install sudo, or run wglab as root' };
    return { ...check, ok: true, seen };
  } catch (error) {
    return { ...check, ok: false, seen: `${path} does not run: ${messageOf(error)}`, remedy: install };
  }
}

const SAID = { root: 'as root', suid: 'by its SUID bit', sudo: 'through sudo' };

/** containerlab exits at once on a kernel without modules, even if all it needs is built in (utils/kernel_module.go) [seen]. */
function moduleSupport(): Check {
  const check = { name: 'kernel modules', needed: '/proc/modules, which containerlab reads' };
  try {
    readFileSync('/proc/modules');
    return { ...check, ok: true, seen: 'loadable' };
  } catch {
    return { ...check, ok: false, seen: 'this kernel has none', remedy: 'use another kernel, or --engine embedded' };
  }
}

/** Nodes share this machine's kernel, and have no modules to load but its own. */
async function moduleCheck(name: string): Promise<Check> {
  const check = { name, needed: `the kernel module ${name}` };
  const how = await kernelHas(name);
  if (how !== undefined) return { ...check, ok: true, seen: how };
  // A device that could not be made answers the question.
  if (!existsSync(modulesFolder()) && (await tried(name)) === undefined)
    return { ...check, ok: 'warning', seen: `cannot be known without ${modulesFolder()}` };
  const fix = { commands: [['modprobe', name]] };
  if (name !== 'wireguard') return lacking(check, 'not in the kernel', fix);
  // Not tried unasked: a module that the kernel's folder does not have cannot be loaded.
  return {
    ...check,
    ok: 'warning',
    seen: 'not in the kernel: a lab runs, and cannot encrypt',
    remedy: remedyOf(fix),
  };
}

/** Kinds of devices that can be tried: making one in a network of its own shows at once whether the kernel has them. */
const DEVICES: Record<string, string[]> = { wireguard: [], vxlan: ['id', '1', 'dstport', '4789'] };

/** Returns how the kernel has a module, in words; undefined if it has not. */
export async function kernelHas(name: string): Promise<string | undefined> {
  const makes = await tried(name);
  if (makes !== undefined) return makes ? 'tried: it makes such a device' : undefined;
  return listedModule(name);
}

/** Returns whether the kernel makes such a device; undefined if that cannot be tried. */
async function tried(kind: string): Promise<boolean | undefined> {
  const more = DEVICES[kind];
  if (!more) return undefined;
  const namespaces = process.getuid?.() === 0 ? '-n' : '-rn';
  const run = (...command: string[]) => runTool(['unshare', namespaces, ...command]).then(() => true);
  try {
    return await run('ip', 'link', 'add', 'wglab0', 'type', kind, ...more);
  } catch (error) {
    if (/not supported|unknown device type/i.test(messageOf(error))) return false;
    return undefined; // no namespaces, or no ip
  }
}

async function listedModule(name: string): Promise<string | undefined> {
  const loaded = await readFile('/proc/modules', 'utf8').catch(() => '');
  if (new RegExp(`^${name} `, 'm').test(loaded)) return 'loaded';
  const folder = `/lib/modules/${release()}`;
  const listed = async (file: string) =>
    (await readFile(`${folder}/${file}`, 'utf8').catch(() => '')).includes(`/${name}.ko`);
  if (await listed('modules.builtin')) return 'built in';
  return (await listed('modules.dep')) ? 'can be loaded' : undefined;
}

function modulesFolder(): string {
  return `/lib/modules/${release()}`;
}

/** How many inotify instances a cluster of three nodes takes from its user's: of 128, two clusters find enough, and a third does not. */
const INSTANCES_A_CLUSTER = 60;

/** Returns whether a limit of inotify is enough for one more cluster next to those that run. */
export function inotifyCheck(setting: string, least: number, value: number, clusters: number): Check {
  const check = { name: setting, needed: `${least}` };
  if (value >= least) return { ...check, ok: true, seen: `${value}` };
  const says = `raises ${setting} from ${value} to ${least} until the next boot (for good: a line in /etc/sysctl.d/99-wglab.conf)`;
  const fix = { commands: [['sysctl', '-w', `${setting}=${least}`]], says };
  if (setting.endsWith('instances') && value < (clusters + 1) * INSTANCES_A_CLUSTER) {
    return lacking(check, `${value}, and ${clusters} clusters of kind run`, fix);
  }
  return { ...check, ok: 'warning', seen: `${value}`, remedy: remedyOf(fix), fix };
}

async function inotifyChecks(): Promise<Check[]> {
  const label = 'io.x-k8s.kind.cluster';
  const listed = await docker(['ps', '--filter', `label=${label}`, '--format', `{{.Label "${label}"}}`], {
    timeoutMs: ANSWER_MS,
  }).catch(() => ''); // that Docker does not answer is said above
  const clusters = new Set(listed.split('\n').filter(Boolean)).size;
  return Object.entries(INOTIFY).map(([setting, least]) => {
    const value = Number(readFileSync(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8'));
    return inotifyCheck(setting, least, value, clusters);
  });
}

async function memoryCheck(): Promise<Check> {
  const kibibytes = /^MemAvailable:\s*(\d+)/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1];
  const free = Number(kibibytes ?? 0) * 1024;
  const check = { name: 'memory for nodes', seen: `${gibibytes(free)} available`, needed: gibibytes(LEAST_MEMORY) };
  if (free >= LEAST_MEMORY) return { ...check, ok: true };
  return { ...check, ok: 'warning', remedy: 'end programs that take much memory, or use fewer workers' };
}
