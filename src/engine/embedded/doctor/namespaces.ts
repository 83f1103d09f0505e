import { readFileSync } from 'node:fs';
import { messageOf } from '../../../errors.ts';
import { systemPath } from '../../../machine/tools.ts';
import { runTool } from '../../../process/tool.ts';
import { type Refusal, refusalOf, SETTINGS } from './refusal.ts';

/** The kernel's answers inside namespaces such as a lab's. */
export type Namespaces = { refusal: Refusal; kernel?: never } | { refusal?: never; kernel: Map<string, string | true> };

/** Kinds of devices that the embedded engine makes; WireGuard's may be missing, for wireguard-go stands in. */
export const DEVICE_KINDS = ['veth', 'bridge', 'vxlan', 'wireguard'] as const;

/** Says "namespaces", then for each kind of device whether the kernel made one. All of it goes with the namespaces. */
const PROBE = `mount -t tmpfs tmpfs /run && mount -t sysfs sysfs /sys || exit
echo namespaces
try() {
  kind=$1
  shift
  if why=$(ip link add "probe-$kind" type "$kind" "$@" 2>&1); then echo "$kind"; else echo "$kind" $why; fi
}
try veth
try bridge
try vxlan id 4096 dstport 4789 nolearning
try wireguard`;

/** Far more than the 25 ms that it takes: a machine may be busy. */
const PROBE_MS = 10_000;

/**
 * Makes namespaces as a lab's holder does, and in them one device of each kind. Tried rather than guessed: a kernel may
 * load a module on demand, and many things can forbid a namespace.
 */
export async function tryNamespaces(): Promise<Namespaces> {
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? [] : ['--user', '--map-current-user', '--keep-caps'];
  const rest = [
    '--net',
    '--mount',
    '--pid',
    '--ipc',
    '--fork',
    '--mount-proc',
    '--kill-child',
    '--propagation',
    'private',
  ];
  try {
    // unshare ignores SIGTERM while it waits for its child.
    const env = { ...process.env, PATH: systemPath() };
    const options = { env, timeout: PROBE_MS, killSignal: 'SIGKILL' } as const;
    const lines = (await runTool(['unshare', ...user, ...rest, 'sh', '-c', PROBE], '', options)).trim().split('\n');
    return { kernel: new Map(lines.slice(1).map(outcome)) };
  } catch (error) {
    return {
      refusal: refusalOf({ isRoot, printed: messageOf(error), settings: readSettings(), capabilities: capabilities() }),
    };
  }
}

function outcome(line: string): [string, string | true] {
  const [kind = '', ...why] = line.split(' ');
  return [kind, why.length === 0 ? true : why.join(' ').replace(/^Error: |\.$/g, '')];
}

/** The kernel's settings that forbid namespaces; those that this kernel does not have are left out. */
export function readSettings(): Record<string, number> {
  return Object.fromEntries(
    Object.keys(SETTINGS).flatMap((name) => {
      const value = readNumber(`/proc/sys/${name.replaceAll('.', '/')}`);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function readNumber(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // a setting of other kernels
  }
}

/** This process's effective capabilities, as a bit mask. */
function capabilities(): bigint {
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return BigInt(`0x${mask ?? '0'}`);
}
