import * as z from 'zod';
import { parseCidr, parseIp } from '../../net/addresses.ts';
import { MARKER_LENGTH } from '../markers.ts';

/** The longest list that a record may hold: 64 MiB of text would hold more, but no run makes so many. */
export const MOST = 500_000;

/** A message or a version: any text that is not too long. The code that prints it makes it printable. */
export const text = z.string().max(16_384);
export const words = text.min(1);
export const count = z.int().nonnegative();
export const port = z.int().min(1).max(65_535);
export const family = z.union([z.literal(4), z.literal(6)]);
export const time = z.iso.datetime();

/** The name of a Kubernetes object or a lab; some of them become part of paths. */
export const name = z.string().regex(/^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/, 'is not a name as Kubernetes has them');
export const interfaceName = z.string().regex(/^[^\s/\p{Cc}]{1,15}$/u, 'is not the name of an interface');
export const uid = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'is not the UID of an object');
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 digest in lowercase hex');
export const address = z
  .string()
  .max(45)
  .refine((value) => parseIp(value) !== undefined, 'is not an IP address');
export const cidr = z
  .string()
  .max(49)
  .refine((value) => parseCidr(value) !== undefined, 'is not a block of addresses');
export const macAddress = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'is not a MAC address in lowercase');
export const wireguardKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'is not a WireGuard key in base64');
/** The id of a marker, not its text. */
export const markerId = z.string().min(1).max(600);
export const captureFile = z
  .string()
  .regex(/^taps\/[a-z0-9]([a-z0-9._-]{0,250}[a-z0-9])?$/, 'is not the name of a file in taps/');

export const markers = z.record(
  markerId,
  z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .min(MARKER_LENGTH)
    .max(255),
);
export const versions = z.record(z.string().min(1).max(300), text.nullable());

export function list<T extends z.ZodType>(item: T) {
  return z.array(item).max(MOST);
}

/** One peer, as `wg show INTERFACE dump` prints it: seconds since 1970 of the latest handshake (0: none yet), bytes. */
const peer = z.strictObject({ publicKey: wireguardKey, latestHandshake: count, rx: count, tx: count });

const wireguard = z.strictObject({
  interface: interfaceName,
  /** The key that the node publishes (in an annotation, with Calico); null if it publishes none. */
  publicKey: wireguardKey.nullable(),
  /** The key of the device; null if the device could not be asked. */
  deviceKey: wireguardKey.nullable(),
  listenPort: port,
  mtu: z.int().positive().nullable(),
  /**
   * The device's counters for its peers. `before` is read when both taps are running, so that a handshake after it is
   * captured, and before the open controls; `after` once the close controls were sent. Null if they could not be read.
   */
  peers: z.strictObject({ before: list(peer), after: list(peer) }).nullable(),
});

export const node = z.strictObject({
  name,
  /** The node's address on the underlay. */
  address,
  /** Further underlay addresses, of either family. */
  otherAddresses: list(address).optional(),
  underlayInterface: interfaceName,
  macAddress,
  wireguard: wireguard.nullable(),
  /** The device that encrypts IPv6, if it is another one. */
  wireguard6: wireguard.optional(),
});

/** Addresses of pods: a pool (node null), or a block, tunnel address or borrowed address of one node. The longest prefix wins. */
export const podNetwork = z.strictObject({ cidr, node: name.nullable() });

export const pod = z.strictObject({ name, namespace: name, address });

/**
 * One fresh TCP connection from a pod on `from` to a pod on `to`. The request carried the marker `request` and padding,
 * the answer the marker `reply`. `delivered` only if each end reports that it received the other's marker.
 */
export const probe = z.strictObject({
  from: name,
  to: name,
  fromPod: pod,
  toPod: pod,
  port,
  request: markerId,
  reply: markerId,
  sentBytes: count,
  repliedBytes: count,
  delivered: z.boolean(),
  reason: text.optional(),
});

/** A node of the cluster that could not be probed, and the reason. */
export const unprobed = z.strictObject({ name, address: address.optional(), reason: words });

/** The ordered pairs that were probed, if there were too many for all of them; `of` is how many there are. */
export const sample = z.strictObject({ pairs: list(z.tuple([name, name])).min(1), of: count });

/** UDP packets sent in plaintext on purpose, between the underlay addresses: `open` before the run's traffic, `close` after it. */
export const control = z.strictObject({ from: name, to: name, open: markerId, close: markerId });

/** `stopped`: it ran until it was stopped, and ended properly. */
export const tapExit = z.enum(['stopped', 'died', 'killed', 'not started']);

/** Something that spoils the run on one node, or (null) as a whole; no pair that it touches is called encrypted. */
export const problem = z.strictObject({ node: name.nullable(), message: words });

export const dataplane = z.enum(['kernel', 'userspace']).nullable();
export const claim = z.enum(['encrypted', 'plaintext']);
