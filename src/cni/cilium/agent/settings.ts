import type { KubeObject } from '../../../kube/object.ts';
import type { Store } from '../../../kube-api/store.ts';
import type { Encryption } from '../dataplane/types.ts';
import { type IpsecKey, IpsecSecretError, parseIpsecSecret } from '../keys/ipsec-secret.ts';
import { CONFIG_MAP, IPSEC_SECRET } from '../names.ts';

/** The settings that an agent reads when it starts. */
export interface AgentSettings {
  encryption: Encryption;
  /** The key in the Secret; undefined without IPsec. */
  key?: IpsecKey;
  /** How long an old key stays after a new one is in use, in ms. */
  rotationMs: number;
}

/** An agent ends with this as its last line, and is started again and again. */
export class AgentFatal extends Error {}

/** Cilium's default for `ipsec-key-rotation-duration`. */
const ROTATION_MS = 5 * 60_000;

/** Reads cilium-config and the Secret. Throws AgentFatal with the agent's own words. */
export function readSettings(store: Store): AgentSettings {
  const data = (store.get('ConfigMap', CONFIG_MAP.namespace, CONFIG_MAP.name)?.data ?? {}) as Record<string, string>;
  const isOn = (key: string) => data[key] === 'true';
  if (isOn('enable-wireguard') && isOn('enable-ipsec')) {
    throw new AgentFatal('WireGuard (--enable-wireguard) cannot be used with IPsec (--enable-ipsec)');
  }
  const rotationMs = durationMs(data['ipsec-key-rotation-duration']) ?? ROTATION_MS;
  if (isOn('enable-wireguard')) return { encryption: 'wireguard', rotationMs };
  if (!isOn('enable-ipsec')) return { encryption: 'none', rotationMs };
  return { encryption: 'ipsec', key: readKey(store), rotationMs };
}

/** Reads the key in the Secret. Throws AgentFatal if there is none, or it is wrong. */
export function readKey(store: Store): IpsecKey {
  const text = secretText(store.get('Secret', IPSEC_SECRET.namespace, IPSEC_SECRET.name));
  if (text === undefined) throw new AgentFatal('open /etc/ipsec/keys: no such file or directory');
  try {
    return parseIpsecSecret(text);
  } catch (error) {
    if (error instanceof IpsecSecretError) throw new AgentFatal(`unable to load IPsec key file: ${error.message}`);
    throw error;
  }
}

function secretText(secret: KubeObject | undefined): string | undefined {
  const encoded = (secret?.data as Record<string, string> | undefined)?.[IPSEC_SECRET.field];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1');
}

/** A duration as Go writes it: `5m0s`, `90s`. */
function durationMs(text: string | undefined): number | undefined {
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text ?? '') ?? [];
  if (hours === undefined && minutes === undefined && seconds === undefined) return undefined;
  return ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1000;
}
