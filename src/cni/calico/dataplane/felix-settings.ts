import { usageFailure } from '../../../errors.ts';
import type { FelixSettings } from './types.ts';

/** The `spec` of a FelixConfiguration, as somebody wrote it. */
export type FelixSpec = Readonly<Record<string, unknown>>;

/** A problem with one field of a spec. */
export interface FelixProblem {
  field: string;
  message: string;
}

/**
 * Returns the settings of FelixConfigurations, with Calico 3.32's defaults for what none of them sets. The specs come with
 * rising precedence: `default`, then the node's own `node.<name>`. Fields that this engine does not obey are skipped,
 * because Calico has many that change nothing here. Throws a usage failure that names the first wrong field.
 */
export function felixSettings(specs: readonly FelixSpec[]): FelixSettings {
  const [problem] = specs.flatMap(felixProblems);
  if (problem) throw usageFailure(`FelixConfiguration: ${problem.field}: ${problem.message}`);
  const setting = <K extends keyof FelixSettings>(name: K): FelixSettings[K] => {
    const field: Field<FelixSettings[K]> = FIELDS[name];
    return specs.reduce((before, spec) => {
      const read = spec[name] === undefined || spec[name] === null ? undefined : field.read(spec[name]);
      return read && 'value' in read ? read.value : before;
    }, field.initial);
  };
  return {
    wireguardEnabled: setting('wireguardEnabled'),
    wireguardInterfaceName: setting('wireguardInterfaceName'),
    wireguardListeningPort: setting('wireguardListeningPort'),
    wireguardMTU: setting('wireguardMTU'),
    wireguardEnabledV6: setting('wireguardEnabledV6'),
    wireguardInterfaceNameV6: setting('wireguardInterfaceNameV6'),
    wireguardListeningPortV6: setting('wireguardListeningPortV6'),
    wireguardMTUV6: setting('wireguardMTUV6'),
    wireguardRoutingRulePriority: setting('wireguardRoutingRulePriority'),
    wireguardKeepAlive: setting('wireguardKeepAlive'),
    vxlanVNI: setting('vxlanVNI'),
    vxlanPort: setting('vxlanPort'),
    vxlanMTU: setting('vxlanMTU'),
    vxlanMTUV6: setting('vxlanMTUV6'),
  };
}

/** The settings as they are for IPv6: what has a field of its own there takes the place of IPv4's. */
export function settingsForIpv6(felix: FelixSettings): FelixSettings {
  return {
    ...felix,
    wireguardEnabled: felix.wireguardEnabledV6,
    wireguardInterfaceName: felix.wireguardInterfaceNameV6,
    wireguardListeningPort: felix.wireguardListeningPortV6,
    wireguardMTU: felix.wireguardMTUV6,
    vxlanMTU: felix.vxlanMTUV6,
  };
}

/** Returns every problem with a spec, field by field, for the API server's 422; empty if it is right. */
export function felixProblems(spec: FelixSpec): FelixProblem[] {
  return Object.entries(spec).flatMap(([field, value]) => {
    if (value === undefined || value === null) return [];
    // To obey it takes firewall rules (marks on what comes in), and to pass over it would show plaintext that should not be.
    if (field === 'wireguardHostEncryptionEnabled' && value !== false) {
      return [{ field, message: 'the embedded engine encrypts what pods send, not what nodes send' }];
    }
    if (!isSetting(field)) return [];
    const read = FIELDS[field].read(value);
    return 'problem' in read ? [{ field, message: read.problem }] : [];
  });
}

type Read<T> = { value: T } | { problem: string };

interface Field<T> {
  initial: T;
  read: (value: unknown) => Read<T>;
}

/** Defaults and ranges of Calico 3.32: api/pkg/apis/projectcalico/v3/felixconfig.go and felix/config/config_params.go. */
const FIELDS: { [K in keyof FelixSettings]: Field<FelixSettings[K]> } = {
  wireguardEnabled: { initial: false, read: boolean },
  wireguardInterfaceName: { initial: 'wireguard.cali', read: interfaceName },
  wireguardListeningPort: { initial: 51820, read: integer(1, 65535) },
  wireguardMTU: { initial: 0, read: integer(0, 65535) },
  wireguardEnabledV6: { initial: false, read: boolean },
  wireguardInterfaceNameV6: { initial: 'wg-v6.cali', read: interfaceName },
  wireguardListeningPortV6: { initial: 51821, read: integer(1, 65535) },
  wireguardMTUV6: { initial: 0, read: integer(0, 65535) },
  wireguardRoutingRulePriority: { initial: 99, read: integer(1, 32765) },
  wireguardKeepAlive: { initial: 0, read: seconds },
  vxlanVNI: { initial: 4096, read: integer(1, 16777215) },
  vxlanPort: { initial: 4789, read: integer(1, 65535) },
  vxlanMTU: { initial: 0, read: integer(0, 65535) },
  vxlanMTUV6: { initial: 0, read: integer(0, 65535) },
};

function isSetting(name: string): name is keyof FelixSettings {
  return Object.hasOwn(FIELDS, name);
}

function boolean(value: unknown): Read<boolean> {
  return typeof value === 'boolean' ? { value } : { problem: 'must be true or false' };
}

function integer(least: number, most: number): (value: unknown) => Read<number> {
  return (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? { value }
      : { problem: `must be a whole number from ${least} to ${most}` };
}

/** The kernel's limit is 15 bytes; names of other devices of a node would make two fight for one. */
function interfaceName(value: unknown): Read<string> {
  if (typeof value !== 'string' || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/.test(value)) {
    return { problem: 'must be an interface name: 1 to 15 letters, digits, ".", "_" or "-"' };
  }
  if (/^(lo|eth0|vxlan(-v6)?\.calico|all|default)$|^cali[0-9a-f]{11}$/.test(value)) {
    return { problem: `"${value}" is the name of another interface of the node` };
  }
  return { value };
}

/** A duration as Go writes it, whole numbers only, as the resource's schema demands ("25s", "1m30s"). */
function seconds(value: unknown): Read<number> {
  const problem = 'must be a duration such as "25s", at most 65535 seconds';
  if (typeof value !== 'string' || !/^((\d+(ms|s|m|h))+|0)$/.test(value)) return { problem };
  const unit: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  const parts = [...value.matchAll(/(\d+)(ms|s|m|h)/g)];
  const sum = Math.floor(parts.reduce((sum, [, count, name]) => sum + Number(count) * (unit[name ?? ''] ?? 0), 0));
  return sum <= 65535 ? { value: sum } : { problem };
}
