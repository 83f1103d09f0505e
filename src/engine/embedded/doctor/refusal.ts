import type { Fix } from '../../../machine/check.ts';
import { remedyOf } from '../../../machine/remedy.ts';

/** Why a lab's namespaces cannot be made, and what to do. */
export interface Refusal {
  why: string;
  remedy: string;
  fix?: Fix;
}

/** A number of namespaces that is enough for many labs; Docker's documentation of its rootless mode names it. */
const ENOUGH = 28_633;

/** Settings that can forbid namespaces: the value that forbids, the one that allows, and who they are for. */
export const SETTINGS: Readonly<Record<string, { forbids: number; allows: number; rootToo?: boolean }>> = {
  'user.max_user_namespaces': { forbids: 0, allows: ENOUGH },
  // Debian's own, until Debian 11 off by default.
  'kernel.unprivileged_userns_clone': { forbids: 0, allows: 1 },
  // Ubuntu 24.04 and later: such a namespace can be made, but gives no capabilities.
  'kernel.apparmor_restrict_unprivileged_userns': { forbids: 1, allows: 0 },
  'user.max_net_namespaces': { forbids: 0, allows: ENOUGH, rootToo: true },
  'user.max_mnt_namespaces': { forbids: 0, allows: ENOUGH, rootToo: true },
  'user.max_pid_namespaces': { forbids: 0, allows: ENOUGH, rootToo: true },
  'user.max_ipc_namespaces': { forbids: 0, allows: ENOUGH, rootToo: true },
  'user.max_uts_namespaces': { forbids: 0, allows: ENOUGH, rootToo: true },
};

const CAP_SYS_ADMIN = 1n << 21n;

interface Circumstances {
  isRoot: boolean;
  /** The output of `unshare`. */
  printed: string;
  settings: Readonly<Record<string, number>>;
  /** The effective capabilities, as a bit mask. */
  capabilities: bigint;
}

/** Explains why `unshare` failed. */
export function refusalOf({ isRoot, printed, settings, capabilities }: Circumstances): Refusal {
  if (/ENOENT/.test(printed)) return { why: 'unshare is missing', ...withRemedy({ packages: ['util-linux'] }) };
  const forbidding = forbiddingSettings(settings, isRoot);
  if (forbidding.length > 0) return byTheseSettings(forbidding);
  if (/No space left on device/.test(printed)) {
    const names = isRoot ? ['user.max_net_namespaces'] : ['user.max_user_namespaces', 'user.max_net_namespaces'];
    const used = names.map((name): [string, number] => [name, Math.max(ENOUGH, 2 * (settings[name] ?? 0))]);
    return { why: 'as many namespaces as the kernel allows are there already', ...withRemedy(setting(used)) };
  }
  const last = printed.trim().split('\n').at(-1);
  if (isRoot && (capabilities & CAP_SYS_ADMIN) === 0n) {
    return {
      why: 'this root lacks the capability SYS_ADMIN, as in a container',
      remedy: 'give it to the container (docker run --privileged), or run wglab outside of it',
    };
  }
  return {
    why: `the kernel's settings allow them, and something else does not, as a container or a chroot may (${last})`,
    remedy: 'run wglab outside of the container or chroot, or give the container more (docker run --privileged)',
  };
}

/** The settings that forbid a lab's namespaces to this user. AppArmor's restriction spares the programs that have a profile. */
export function forbiddingSettings(settings: Readonly<Record<string, number>>, isRoot: boolean): string[] {
  return Object.entries(SETTINGS).flatMap(([name, { forbids, rootToo }]) =>
    settings[name] === forbids && (rootToo || !isRoot) ? [name] : [],
  );
}

function byTheseSettings(names: readonly string[]): Refusal {
  const said = names.map((name) => `${name} = ${SETTINGS[name]?.forbids}`);
  const allowed = names.map((name): [string, number] => [name, SETTINGS[name]?.allows ?? 0]);
  return { why: `the kernel is set to forbid them: ${said.join(', ')}`, ...withRemedy(setting(allowed)) };
}

function setting(values: readonly (readonly [string, number])[]): Fix {
  return { commands: [['sysctl', '-w', ...values.map(([name, value]) => `${name}=${value}`)]] };
}

function withRemedy(fix: Fix): { remedy: string; fix: Fix } {
  return { remedy: remedyOf(fix), fix };
}
