import { calicoNode, felixWireguard } from '../../cni/calico/keys.ts';
import { Failure } from '../../errors.ts';
import { Cluster } from '../../kube/cluster.ts';
import { watchWire } from '../../operations/capture.ts';
import { standingLab } from '../../operations/labs.ts';
import { readLabState } from '../../state/lab-state.ts';
import { hexDump } from '../../text/hex.ts';
import { decodeFrame } from '../../wire/decode.ts';
import type { Frame } from '../../wire/packet.ts';
import type { EncryptionState, WirePacket } from './state.ts';

/** Returns the state of a lab's encryption as its cluster reports it. Asks no node for its device, so that it can be called often. */
export async function encryptionState(lab: string): Promise<EncryptionState> {
  try {
    const { access } = await standingLab(lab);
    const cluster = Cluster.connect(access.kubeconfig);
    const [{ enabled }, nodes] = await Promise.all([felixWireguard(cluster), cluster.nodes()]);
    const published = nodes.filter((node) => calicoNode(node).publicKey !== undefined).length;
    if (published === (enabled ? nodes.length : 0)) return enabled ? 'on' : 'off';
    return 'changing';
  } catch (error) {
    // The header does not say what is wrong with a lab that comes or goes: its steps and checks do.
    const absent = error instanceof Failure;
    return absent ? 'no lab' : 'unknown';
  }
}

/** Returns when the lab was deployed, which identifies its deployment, or null if it is not deployed. */
export async function deployedAt(lab: string): Promise<string | null> {
  return (await readLabState(lab))?.createdAt ?? null;
}

/** Shows every packet that leaves a node of the lab; an encrypted one comes with its first encrypted bytes. */
export async function watchLab(lab: string, show: (packet: WirePacket) => void, signal: AbortSignal): Promise<void> {
  const standing = await standingLab(lab);
  await watchWire(
    standing,
    {},
    (packet, frame) => show(packet.encrypted ? { ...packet, bytes: bytesOf(frame) } : packet),
    signal,
  );
}

const SHOWN_BYTES = 16;

/** Returns the first encrypted bytes; for a handshake, which has no payload, the first bytes of the message itself. */
function bytesOf(frame: Frame): string {
  const { bytes, payload, layers } = decodeFrame(frame);
  const { offset } = payload.length > 0 ? payload : (layers.at(-1) ?? payload);
  return hexDump(bytes.subarray(offset, offset + SHOWN_BYTES))[0] ?? '';
}
