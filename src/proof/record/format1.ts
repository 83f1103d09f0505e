import * as z from 'zod';
import * as fields from './fields.ts';
import type { Record } from './schema.ts';

const { count, list, name, text, time } = fields;

const tap = z.strictObject({
  node: name,
  interface: fields.interfaceName,
  file: fields.captureFile,
  /** The default is `out`. */
  direction: z.enum(['out', 'both']).optional(),
  startedAt: time,
  exit: fields.tapExit,
  stderr: text,
  packetsCaptured: count.nullable(),
  packetsReceived: count.nullable(),
  droppedByKernel: count.nullable(),
});

/** `record.json`, format 1: no digests, no identity of the cluster, no fingerprints, and Calico alone. */
export const format1Schema = z.strictObject({
  format: z.literal(1),
  lab: name,
  engine: name,
  dataplane: fields.dataplane,
  expect: fields.claim.nullable(),
  startedAt: time,
  versions: fields.versions,
  nodes: list(fields.node),
  unprobed: list(fields.unprobed).optional(),
  outside: list(fields.unprobed).optional(),
  sample: fields.sample.optional(),
  podNetworks: list(fields.podNetwork),
  serviceCidr: fields.cidr.optional(),
  probes: list(fields.probe),
  furtherPods: z.strictObject({ reached: count, left: count }).optional(),
  markers: fields.markers,
  controls: list(fields.control),
  taps: list(tap),
  problems: list(fields.problem),
});

type Format1 = z.infer<typeof format1Schema>;

/** Converts a record of format 1; fields that format 1 lacks become null or are missing. */
export function fromFormat1({ serviceCidr, furtherPods, ...old }: Format1): Record {
  return {
    ...old,
    format: 2,
    endedAt: null,
    runner: null,
    cluster: { name: null, server: null, caSha256: null, kubeSystemUid: null },
    encryption: calico(old.nodes),
    namespaces: {},
    ...(serviceCidr === undefined ? {} : { serviceCidrs: [serviceCidr] }),
    ...(furtherPods ? { notTried: notTried(furtherPods) } : {}),
    taps: old.taps.map((each) => ({
      ...each,
      direction: each.direction ?? 'out',
      sha256: null,
      size: null,
      stoppedAt: null,
    })),
  };
}

/** Returns the encryption of a run of format 1, which knew only Calico's WireGuard. */
function calico(nodes: Format1['nodes']): Record['encryption'] {
  const devices = new Map(
    nodes.flatMap(({ wireguard }) =>
      wireguard ? [[`${wireguard.interface} ${wireguard.listenPort}`, wireguard]] : [],
    ),
  );
  return {
    cni: 'calico',
    kinds: [...devices.values()].slice(0, 16).map((device) => ({
      kind: 'wireguard',
      families: [4],
      interface: device.interface,
      port: device.listenPort,
    })),
    nodeToPod: 'leak',
    podToNode: 'by design',
    overlays: [],
  };
}

/** Format 1 counted a further pod as reached when a packet to it was ordered; no capture shows that it left. */
function notTried({ reached, left }: NonNullable<Format1['furtherPods']>): Record['notTried'] {
  const what = 'packets to further pods';
  const ordered = {
    what,
    count: reached,
    reason: 'they were sent, and nothing recorded shows how they left',
    sent: true,
  };
  const tooMany = { what, count: left, reason: 'there were too many ways from a node to a pod for one run' };
  return [ordered, tooMany].filter((each) => each.count > 0);
}
