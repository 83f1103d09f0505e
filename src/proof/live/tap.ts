import type { NodeShell } from '../../process/node-shell.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';

/**
 * Runs tcpdump until its input ends, which it also does when the connection breaks: no capture outlives its reader.
 * tcpdump must be the one that is waited for, so that its early death is seen at once; a background job of `sh` has no
 * standard input of its own, hence descriptor 3; and in the background SIGINT is ignored until tcpdump itself asks for it, so that one
 * which has just been started must be interrupted again. `-Z root`: tcpdump must not look for a user that the node may lack.
 * `-B 16384` (KiB): in immediate mode every packet takes a slot of 64 KiB (TPACKET_V2), so that tcpdump's own 2 MiB are full
 * after 32 packets; these hold 256. `outbound` is judged by the kernel, before a packet takes a slot; -Q would judge it after.
 */
const CAPTURE = `exec 3<&0
tcpdump -i "$1" -n -U --immediate-mode -s 0 -B 16384 -Z root \${3:+-c "$3"} -w - $2 &
capture=$!
{ read -r _ <&3; while kill -INT "$capture"; do sleep 0.1; done; } > /dev/null 2>&1 &
reader=$!
wait "$capture"
status=$?
kill "$reader" 2> /dev/null
exit "$status"`;

/** A capture to stream: the node, its interface, and the filter. */
export interface StreamedCapture {
  node: string;
  interface: string;
  direction: 'out' | 'both';
}

/** Streams a capture for a person to watch: pcap on the standard output, until the standard input ends, or after `count` packets. */
export function startCapture(
  shell: NodeShell,
  { node, interface: device, direction }: StreamedCapture,
  count?: number,
): Promise<RemoteProcess> {
  const filter = direction === 'out' ? 'outbound' : '';
  const enough = count === undefined ? [] : [String(count)];
  return shell(node, ['sh', '-c', CAPTURE, 'capture', device, filter, ...enough]);
}
