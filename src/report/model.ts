import type { EvidenceResult } from '../proof/evidence/judge-evidence.ts';
import type { Record } from '../proof/record.ts';
import type { Observation, Report, ReportedPacket, ReportedRun } from './schema.ts';

/** Everything that is known of a run: its record, what came of judging it, and a few of its packets. */
export interface JudgedRun {
  record: Record;
  result: EvidenceResult;
  packets: ReportedPacket[];
  /** The name of the evidence's folder in the report. */
  folder: string;
}

const LIMITS = [
  'It is about the time of the run. What was sent before or after it was not seen.',
  'It is about traffic between nodes. Between pods of one node, nothing crosses the wire.',
  'It shows that packets are encrypted for the keys that the nodes publish, not who else has these keys.',
  'It looks for plaintext and for common recodings of it. Data hidden on purpose, as in timing or in XOR, is not found.',
];

/** Builds the report of one run, or of one run and an earlier one. The same evidence always gives the same report. */
export function reportOf(
  run: JudgedRun,
  options: { before?: JudgedRun | undefined; standards?: readonly string[]; wglab: string },
): Report {
  return {
    schema: 'wglab-report/1',
    wglab: options.wglab,
    standards: [...(options.standards ?? [])],
    limits: LIMITS,
    run: reportedRun(run),
    before: options.before ? reportedRun(options.before) : null,
  };
}

function reportedRun({ record, result, packets, folder }: JudgedRun): ReportedRun {
  const counts = countsOf(result);
  return {
    lab: record.lab,
    engine: record.engine,
    cni: record.encryption?.cni ?? null,
    claim: result.expect,
    verdict: result.verdict,
    headline: headlineOf(result, counts),
    summary: result.summary,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    runner: record.runner,
    cluster: record.cluster,
    versions: versionsOf(record.versions),
    counts,
    nodes: record.nodes.map(({ name }) => name),
    notProbed: (record.unprobed ?? []).map(({ name, reason }) => ({ node: name, reason })),
    notChosen: (record.outside ?? []).map(({ name, reason }) => ({ node: name, reason })),
    notTried: result.untested,
    problems: record.problems,
    pairs: result.pairs.map(({ markerPackets: _, ...pair }) => pair),
    controls: {
      sent: record.controls.length * 2,
      tapsThatSaw: result.taps.filter(({ controlSeen }) => controlSeen).length,
      taps: result.taps.length,
    },
    timeline: {
      taps: record.taps.map(({ node, startedAt, stoppedAt }) => ({ node, startedAt, stoppedAt })),
      steps: record.steps ?? [],
    },
    packets,
    ledger: {
      classes: result.classes,
      lines: result.ledger.map(({ example: _, ...line }) => line),
    },
    keys: keysOf(record),
    taps: tapsOf(record, result),
    evidence: { folder, digest: result.digest, signature: result.signature, changes: result.changes },
  };
}

function countsOf({ pairs, pairsJudged, sampledOf }: EvidenceResult): ReportedRun['counts'] {
  const of = (observation: Observation) => pairs.filter((pair) => pair.observation === observation).length;
  const sum = (field: 'plaintextPackets' | 'unexplainedPackets') => pairs.reduce((all, pair) => all + pair[field], 0);
  return {
    pairs: pairsJudged,
    of: sampledOf ?? pairsJudged,
    encrypted: of('encrypted'),
    plaintext: of('plaintext'),
    mixed: of('mixed'),
    inconclusive: of('inconclusive'),
    plaintextPackets: sum('plaintextPackets'),
    unexplainedPackets: sum('unexplainedPackets'),
  };
}

function headlineOf({ verdict, expect, changes, classes }: EvidenceResult, counts: ReportedRun['counts']): string {
  if (changes.length > 0) return 'EVIDENCE CHANGED';
  const plaintext = classes.find((each) => each.class === 'pod plaintext')?.packets ?? counts.plaintextPackets;
  const seen = expect === 'plaintext' ? counts.plaintext : counts.encrypted;
  const what = expect === 'plaintext' ? 'PLAINTEXT' : 'ENCRYPTED';
  const word = verdict === 'fail' ? `NOT ${what}` : verdict === 'inconclusive' ? 'INCONCLUSIVE' : what;
  const packets = `${plaintext} plaintext ${plaintext === 1 ? 'packet' : 'packets'}`;
  return `${word} ${seen}/${counts.pairs} pairs · ${packets} · ${counts.inconclusive} inconclusive`;
}

/** One line for what all nodes have in common: `kernel on NODE` of a hundred nodes is one value or a few. */
function versionsOf(versions: Record['versions']): ReportedRun['versions'] {
  const byName = new Map<string, Set<string>>();
  for (const [key, value] of Object.entries(versions)) {
    if (value === null) continue;
    const name = key.replace(/ on .*/s, '');
    byName.set(name, (byName.get(name) ?? new Set()).add(value));
  }
  return [...byName].map(([name, values]) => ({ name, values: [...values].sort() }));
}

function keysOf(record: Record): ReportedRun['keys'] {
  return record.nodes.flatMap(({ name, wireguard }) => {
    if (!wireguard) return [];
    const { publicKey, deviceKey, peers } = wireguard;
    const latest = (peers?.after ?? []).reduce((last, peer) => Math.max(last, peer.latestHandshake), 0);
    return {
      node: name,
      interface: wireguard.interface,
      published: publicKey,
      device: deviceKey,
      peers: peers?.after.length ?? null,
      latestHandshake: latest > 0 && latest < 8.64e12 ? new Date(latest * 1000).toISOString() : null,
    };
  });
}

function tapsOf(record: Record, result: EvidenceResult): ReportedRun['taps'] {
  const seen = new Map(result.taps.map((tap) => [tap.node, tap]));
  return record.taps.map(({ node, interface: device, direction, exit, sha256, droppedByKernel }) => ({
    node,
    interface: device,
    direction,
    packets: seen.get(node)?.packets ?? 0,
    dropped: droppedByKernel,
    controlSeen: seen.get(node)?.controlSeen ?? false,
    exit,
    sha256,
  }));
}
