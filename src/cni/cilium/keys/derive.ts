import { createHash } from 'node:crypto';
import { parseIp } from '../../../net/addresses.ts';
import type { EspKey } from '../../../wire/esp-crypto.ts';
import type { IpsecKey } from './ipsec-secret.ts';

/** One end of a tunnel between two nodes. */
export interface TunnelEnd {
  /** The address in the state: the node's InternalIP, or its CiliumInternalIP. */
  readonly address: string;
  /** From `spec.bootid` of its CiliumNode. */
  readonly bootId: string;
}

/** How many characters of a boot id count. */
export const BOOT_ID_LENGTH = 36;

/**
 * The key of one direction between two nodes, as Cilium 1.17 and later derives it (computeNodeIPsecKey): the hash of the Secret's
 * key, both addresses and both boot ids, source first, cut to the length of the Secret's key. Throws RangeError for what is no address.
 */
export function deriveKey({ psk }: Pick<IpsecKey, 'psk'>, source: TunnelEnd, destination: TunnelEnd): Uint8Array {
  const hash = createHash(psk.length <= 32 ? 'sha256' : 'sha512').update(psk);
  for (const { address } of [source, destination]) {
    const bytes = parseIp(address);
    if (!bytes) throw new RangeError(`no IP address: ${address}`);
    hash.update(bytes);
  }
  for (const { bootId } of [source, destination]) hash.update(bootId.slice(0, BOOT_ID_LENGTH), 'ascii');
  return hash.digest().subarray(0, psk.length);
}

/** The same as a key that opens packets. */
export function derivedEspKey(key: IpsecKey, source: TunnelEnd, destination: TunnelEnd): EspKey {
  return { ...globalEspKey(key), material: deriveKey(key, source, destination), extendedSequence: true };
}

/** The Secret's key itself, as Cilium used it for all nodes up to 1.16 (CVE-2024-28860), without extended sequence numbers. */
export function globalEspKey({ psk, icvBits }: IpsecKey): EspKey {
  return { material: psk, icvLength: icvBits === 96 ? 12 : 16, extendedSequence: false };
}
