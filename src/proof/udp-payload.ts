import type { UdpLayer } from '../wire/packet.ts';

const UDP_HEADER = 8;

/** Returns a datagram's payload, as long as its header says. With segmentation offload the header says 0: then it goes on to the frame's end. */
export function udpPayload(frame: Uint8Array, { offset, datagramLength }: UdpLayer): Uint8Array {
  const end = datagramLength === 0 ? frame.length : offset + datagramLength;
  return frame.subarray(offset + UDP_HEADER, Math.min(end, frame.length));
}
