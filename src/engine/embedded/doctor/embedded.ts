import { existsSync } from 'node:fs';
import { messageOf } from '../../../errors.ts';
import type { Check, EngineReport, Fix } from '../../../machine/check.ts';
import { machineChecks } from '../../../machine/machine.ts';
import { remedyOf } from '../../../machine/remedy.ts';
import { isStatic } from '../../../machine/static-binary.ts';
import { EMBEDDED_TOOLS, findTool, IPTABLES, type Tool, WIREGUARD_GO } from '../../../machine/tools.ts';
import { runTool } from '../../../process/tool.ts';
import { DEVICE_KINDS, type Namespaces, tryNamespaces } from './namespaces.ts';
import { tunProblem } from './tun.ts';

/** Tools without which the kernel cannot be tried. */
const NEEDED_TO_TRY = ['unshare', 'mount', 'sh', 'ip'];

/** Applets that the labs' manifests and the proof call by name in a pod. */
const APPLETS = [
  'sh',
  'httpd',
  'wget',
  'nc',
  'timeout',
  'sleep',
  'cat',
  'grep',
  'base64',
  'tr',
  'date',
  'mkdir',
  'ip',
  'ping',
];

/** Checks everything that the embedded engine needs, in parallel. */
export async function examineEmbedded(): Promise<EngineReport> {
  const [machine, namespaces, applets] = await Promise.all([machineChecks(), triedNamespaces(), appletCheck()]);
  const wireguard = wireguardChecks(namespaces?.kernel?.get('wireguard'));
  const checks = [
    ...machine,
    ...EMBEDDED_TOOLS.map(toolCheck),
    ...(applets ? [applets] : []),
    hostsCheck(),
    namespaceCheck(namespaces),
    ...DEVICE_KINDS.filter((kind) => kind !== 'wireguard').map((kind) =>
      deviceCheck(kind, namespaces?.kernel?.get(kind)),
    ),
    ...wireguard.checks,
    firewallCheck(),
  ];
  return { engine: 'embedded', ok: checks.every(({ ok }) => ok !== false), dataplane: wireguard.dataplane, checks };
}

async function triedNamespaces(): Promise<Namespaces | undefined> {
  const missing = NEEDED_TO_TRY.some((name) => findTool(name) === undefined);
  return missing ? undefined : await tryNamespaces();
}

/** A tool that is there, or not; busybox must be static besides, for a pod's root holds nothing but it. */
export function toolCheck(tool: Tool): Check {
  const check = { name: tool.name, needed: `${tool.name}, of the package ${tool.package}` };
  const path = findTool(tool.name);
  if (path === undefined) return lacking(check, 'not on PATH', { packages: [tool.package] });
  if (tool.name !== 'busybox') return { ...check, ok: true, seen: path };
  const needed = `${check.needed}: linked statically, for a pod has no other file`;
  try {
    if (isStatic(path)) return { ...check, needed, ok: true, seen: `${path}, static` };
    return lacking({ ...check, needed }, `${path}, linked dynamically`, { packages: [tool.package] });
  } catch (error) {
    return lacking({ ...check, needed }, messageOf(error), { packages: [tool.package] });
  }
}

function lacking(check: Pick<Check, 'name' | 'needed'>, seen: string, fix: Fix): Check {
  return { ...check, ok: false, seen, remedy: remedyOf(fix), fix };
}

/** Checks nothing if there is no busybox: another check reports that. */
async function appletCheck(): Promise<Check | undefined> {
  const path = findTool('busybox');
  if (path === undefined) return undefined;
  const check = { name: 'busybox applets', needed: APPLETS.join(', ') };
  const fix = { packages: ['busybox-static'] };
  try {
    const options = { timeout: 5_000, killSignal: 'SIGKILL' } as const;
    const there = new Set((await runTool([path, '--list'], '', options)).split('\n'));
    const missing = APPLETS.filter((applet) => !there.has(applet));
    if (missing.length > 0) return lacking(check, `without ${missing.join(', ')}`, fix);
    return { ...check, ok: true, seen: `all of them, of ${there.size - 1}` };
  } catch (error) {
    return lacking(check, messageOf(error), fix);
  }
}

/** Every node gets one of its own, mounted over the machine's: the smallest of Debian's installations have none. */
function hostsCheck(): Check {
  const check = { name: '/etc/hosts', needed: 'a file /etc/hosts, for the nodes of a lab mount their own over it' };
  if (existsSync('/etc/hosts')) return { ...check, ok: true, seen: 'there' };
  return lacking(check, 'not there', { commands: [['touch', '/etc/hosts']] });
}

function namespaceCheck(namespaces: Namespaces | undefined): Check {
  const isRoot = process.getuid?.() === 0;
  const needed = `network, mount, process and IPC namespaces${isRoot ? '' : ' in a user namespace, for you are not root'}`;
  const check = { name: 'namespaces', needed };
  if (!namespaces) return { ...check, ok: 'warning', seen: `not tried: ${whatIsMissing()}` };
  if (!namespaces.refusal) return { ...check, ok: true, seen: isRoot ? 'as root' : 'without root' };
  const { why, ...remedy } = namespaces.refusal;
  return { ...check, ok: false, seen: why, ...remedy };
}

/** `made` is true where the kernel made such a device, and else what it said. */
function deviceCheck(kind: string, made: string | true | undefined): Check {
  const check = { name: `${kind} devices`, needed: `network devices of the kind ${kind}` };
  if (made === true) return { ...check, ok: true, seen: 'in the kernel' };
  if (made === undefined) return { ...check, ok: 'warning', seen: 'not tried: that wants namespaces' };
  return lacking(check, `not in the kernel (${made})`, { commands: [['modprobe', kind]] });
}

/** The kernel's WireGuard, or wireguard-go, which wants /dev/net/tun. */
function wireguardChecks(made: string | true | undefined): Pick<EngineReport, 'dataplane' | 'checks'> {
  const needed = "the kernel's own, or the program wireguard-go";
  const go = findTool(WIREGUARD_GO.name);
  const tun = tunProblem();
  if (made === true) {
    return { dataplane: 'kernel', checks: [{ name: 'WireGuard', ok: true, seen: 'in the kernel', needed }] };
  }
  const inKernel =
    made === undefined ? 'whether the kernel has it was not tried' : `the kernel does not have it: ${made}`;
  const byGo = go !== undefined && !tun;
  const wireguard: Check = {
    name: 'WireGuard',
    ok: byGo || 'warning',
    seen: byGo ? `wireguard-go (${inKernel})` : inKernel,
    needed,
  };
  const device = { name: '/dev/net/tun', needed: '/dev/net/tun, to read and write, for wireguard-go' };
  const opens: Check = tun ? lacking(device, tun.why, tun.fix) : { ...device, ok: true, seen: 'opens' };
  return {
    dataplane: byGo && made !== undefined ? 'userspace' : null,
    checks: [wireguard, toolCheck(WIREGUARD_GO), opens],
  };
}

/** Nothing that a lab needs, so that it is not installed unasked. */
function firewallCheck(): Check {
  const needed = "to have Calico's firewall rules on the nodes, which labs work without";
  const path = findTool(IPTABLES.name);
  if (path !== undefined) return { name: 'iptables', ok: true, seen: path, needed };
  const remedy = remedyOf({ packages: [IPTABLES.package] });
  return { name: 'iptables', ok: 'warning', seen: 'not on PATH', needed, remedy };
}

function whatIsMissing(): string {
  return NEEDED_TO_TRY.filter((name) => findTool(name) === undefined).join(', ');
}
