import type { Cluster } from './cluster.ts';
import type { TapSeen } from './examine-tap.ts';
import type { TapRecord } from './record.ts';

/**
 * Returns why nothing can be concluded from what the tap on `node` did not see of its packets to `peer`, in words for a network
 * engineer. Returns undefined if the tap was alive: it ran until it was stopped, lost nothing, and captured its control packets
 * to the peer before and after the traffic; and if the ledger accounts for every packet that it captured.
 */
export function tapFault(cluster: Cluster, seen: TapSeen | undefined, node: string, peer: string): string | undefined {
  const tap = cluster.tap(node);
  if (!tap || !seen) return `no tap ran on ${node}`;
  return (
    endFault(tap) ??
    fileFault(tap, seen) ??
    dropFault(tap) ??
    controlFault(cluster, tap, seen, peer) ??
    lossFault(tap, seen) ??
    sumFault(seen)
  );
}

function endFault(tap: TapRecord): string | undefined {
  const { node, exit } = tap;
  if (exit === 'not started') return `tcpdump did not start on ${node}${lastWords(tap)}`;
  if (exit === 'died') return `tcpdump on ${node} ended before it was stopped${lastWords(tap)}`;
  if (exit === 'killed') return `tcpdump on ${node} had to be killed, so packets may be missing from its file`;
  return undefined;
}

function fileFault(tap: TapRecord, seen: TapSeen): string | undefined {
  const { node } = tap;
  if (seen.broken) return `the capture of ${node} is not whole: ${seen.broken}`;
  if (seen.frames === 0) return `the tap on ${node} captured nothing at all, not even its control packet`;
  return undefined;
}

/** Checks for drops, before the control packets: a missing one may be among the dropped. */
function dropFault({ node, droppedByKernel }: TapRecord): string | undefined {
  return droppedByKernel ? `the kernel dropped ${droppedByKernel} packets of the tap on ${node}` : undefined;
}

function controlFault(cluster: Cluster, tap: TapRecord, seen: TapSeen, peer: string): string | undefined {
  const { node } = tap;
  if (!cluster.hasControls(node, peer)) {
    return `no control packet was sent from ${node} to ${peer}, so nobody knows whether its tap was alive`;
  }
  const control = seen.towards.get(peer)?.control;
  const missing = !control?.open ? 'before the traffic' : !control.close ? 'after the traffic' : undefined;
  if (missing === undefined) return undefined;
  const where = cluster.node(node)?.underlayInterface;
  const blame = seen.placed
    ? `the packet was blocked, or capture on ${tap.interface} is broken`
    : `capture is broken or on the wrong interface (${tap.interface}; the underlay is ${where ?? 'unknown'})`;
  return `the tap on ${node} did not capture its control packet to ${peer} ${missing}: ${blame}`;
}

function lossFault(tap: TapRecord, seen: TapSeen): string | undefined {
  const { node, packetsCaptured, droppedByKernel } = tap;
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

/** Checks that the ledger is complete: its classes add up to the frames of the capture. */
function sumFault({ node, frames, accounted }: TapSeen): string | undefined {
  if (accounted === frames) return undefined;
  return `the ledger accounts for ${accounted} of the ${frames} packets that the tap on ${node} captured`;
}

function lastWords({ stderr }: TapRecord): string {
  const last = stderr.trim().split('\n').at(-1);
  return last ? `: ${last}` : '';
}
