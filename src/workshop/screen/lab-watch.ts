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

/** How encryption stands in a lab, as its cluster says: no node is asked for its device, so that it can be asked often. */
export async function encryptionState(lab: string): Promise<EncryptionState> {
  try {
    const { access } = await standingLab(lab);
    const cluster = Cluster.connect(access.kubeconfig);
    const [{ enabled }, nodes] = await Promise.all([felixWireguard(cluster), cluster.nodes()]);
    const published = nodes.filter((node) => calicoNode(node).publicKey !== undefined).length;
    if (published === (enabled ? nodes.length : 0)) return enabled ? 'on' : 'off';
    return 'changing';
  } catch (error) {
    // The header is no place for what is wrong with a lab that comes or goes: its steps and checks tell.
    const absent = error instanceof Failure;
    return absent ? 'no lab' : 'unknown';
  }
}

/** Which deployment of a lab stands, or null. */
export async function deployedAt(lab: string): Promise<string | null> {
  return (await readLabState(lab))?.createdAt ?? null;
}

/** Every packet that leaves a node of the lab; of encrypted ones, with the first of the bytes that are so. */
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

/** The beginning of what is encrypted; of a handshake, which has no payload, of the message itself. */
function bytesOf(frame: Frame): string {
  const { bytes, payload, layers } = decodeFrame(frame);
  const { offset } = payload.length > 0 ? payload : (layers.at(-1) ?? payload);
  return hexDump(bytes.subarray(offset, offset + SHOWN_BYTES))[0] ?? '';
}
