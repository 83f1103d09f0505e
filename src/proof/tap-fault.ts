import type { TapSeen } from './examine-tap.ts';
import type { Record, TapRecord } from './record.ts';

/**
 * Why nothing can be concluded from what the tap on `node` did not see of its packets to `peer`, in words for a network engineer;
 * undefined where the tap was alive: it ran until told to stop, lost nothing, and captured its control packets to the peer
 * before and after the traffic.
 */
export function tapFault(record: Record, taps: readonly TapSeen[], node: string, peer: string): string | undefined {
  const told = record.taps.find((tap) => tap.node === node);
  const seen = taps.find((tap) => tap.node === node);
  if (!told || !seen) return `no tap ran on ${node}`;
  return (
    endFault(told) ??
    fileFault(told, seen) ??
    dropFault(told) ??
    controlFault(record, told, seen, peer) ??
    lossFault(told, seen)
  );
}

function endFault(tap: TapRecord): string | undefined {
  const { node, exit } = tap;
  if (exit === 'not started') return `tcpdump did not start on ${node}${lastWords(tap)}`;
  if (exit === 'died') return `tcpdump on ${node} ended before it was told to${lastWords(tap)}`;
  if (exit === 'killed') return `tcpdump on ${node} had to be killed, so packets may be missing from its file`;
  return undefined;
}

function fileFault(told: TapRecord, seen: TapSeen): string | undefined {
  const { node } = told;
  if (seen.broken) return `the capture of ${node} is not whole: ${seen.broken}`;
  if (seen.frames === 0) return `the tap on ${node} captured nothing at all, not even its control packet`;
  return undefined;
}

/** Before the control packets: where one is missing, it may be among these. */
function dropFault({ node, droppedByKernel }: TapRecord): string | undefined {
  return droppedByKernel ? `the kernel dropped ${droppedByKernel} packets of the tap on ${node}` : undefined;
}

function controlFault(record: Record, told: TapRecord, seen: TapSeen, peer: string): string | undefined {
  const { node } = told;
  if (!record.controls.some(({ from, to }) => from === node && to === peer)) {
    return `no control packet was sent from ${node} to ${peer}, so nobody knows whether its tap was alive`;
  }
  const control = seen.controls.get(peer);
  const missing = !control?.open ? 'before the traffic' : !control.close ? 'after the traffic' : undefined;
  if (missing === undefined) return undefined;
  const where = record.nodes.find((n) => n.name === node)?.underlayInterface;
  const blame = seen.placed
    ? `the packet was blocked, or capture on ${told.interface} is broken`
    : `capture is broken or on the wrong interface (${told.interface}; the underlay is ${where ?? 'unknown'})`;
  return `the tap on ${node} did not capture its control packet to ${peer} ${missing}: ${blame}`;
}

function lossFault(told: TapRecord, seen: TapSeen): string | undefined {
  const { node, packetsCaptured, droppedByKernel } = told;
  if (droppedByKernel === null || packetsCaptured === null) {
    return `tcpdump on ${node} did not say how many packets it captured and dropped`;
  }
  if (packetsCaptured !== seen.frames) {
    return `tcpdump on ${node} captured ${packetsCaptured} packets, but its file holds ${seen.frames}`;
  }
  if (seen.cut > 0) return `the tap on ${node} cut ${seen.cut} packets short (snap length)`;
  if (seen.unsearched > 0) return `the capture of ${node} has too many streams or fragments to be searched as a whole`;
  return undefined;
}

function lastWords({ stderr }: TapRecord): string {
  const last = stderr.trim().split('\n').at(-1);
  return last ? `: ${last}` : '';
}
