import type { SessionSeen } from './ciphertext.ts';
import type { WireguardRecord } from './record.ts';
import type { WireguardSeen } from './wireguard-way.ts';

/**
 * Sessions that began before the capture: the one in use, and the one before it, which lives until the next handshake
 * (WireGuard keeps the previous, current and next key pair).
 */
const MAX_EARLIER_SESSIONS = 2;

/** A session whose handshake was captured starts at counter 0; packets may be lost on the way to the wire, but not this many. */
const MAX_FIRST_COUNTER = 8192;

/**
 * Returns the sessions that two devices can have with each other, among those that `seen` shows from the sender: those whose
 * index the receiver announced in a captured handshake, and the few from before. If WireGuard reported that it had none
 * before, there are none of these.
 */
export function acceptedSessions(
  sender: WireguardRecord,
  receiver: WireguardRecord,
  seen: WireguardSeen,
  answers: WireguardSeen | undefined,
): SessionSeen[] {
  const announced = answers?.announced ?? new Set<number>();
  const random = seen.sessions.filter((session) => session.structure === undefined);
  const fresh = random.filter((s) => announced.has(s.session) && s.firstCounter < MAX_FIRST_COUNTER);
  const earlier = random.filter((s) => !announced.has(s.session));
  if (earlier.length > MAX_EARLIER_SESSIONS || !hadSession(sender, receiver)) return fresh;
  return [...fresh, ...earlier];
}

function hadSession(sender: WireguardRecord, receiver: WireguardRecord): boolean {
  const before = sender.peers?.before;
  if (!before) return true;
  return before.some((peer) => peer.publicKey === receiver.deviceKey && peer.latestHandshake > 0);
}
