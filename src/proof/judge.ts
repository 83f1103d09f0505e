import { join } from 'node:path';
import { openRegular } from '../state/regular-file.ts';
import { readCaptureFile } from '../wire/capture-file.ts';
import { CaptureError } from '../wire/capture-format.ts';
import { decodeFrame } from '../wire/decode.ts';
import { MarkerScan } from '../wire/marker-scan.ts';
import { MarkerSearch, type Sighting } from '../wire/marker-search.ts';
import { Cluster } from './cluster.ts';
import { TapExaminer, type TapSeen } from './examine-tap.ts';
import { type Claim, type NodeRecord, type Record, readRecord, type TapRecord } from './record.ts';
import { type VerifyResult, verifyResult } from './result.ts';

export interface JudgeOptions {
  /** A claim to judge instead of the one that the run made. */
  expect?: Claim | null;
  /** The record, if it was read already. */
  record?: Record;
}

/**
 * Computes the verdict of a verification from its evidence: `record.json` and the captures in `taps/`. The live run and
 * `verify --from` both end here. A capture that is missing or broken makes its pairs inconclusive.
 * Throws a usage Failure if the folder is no evidence folder.
 */
export async function judge(evidence: string, { expect, record: known }: JudgeOptions = {}): Promise<VerifyResult> {
  const record = known ?? (await readRecord(evidence));
  const cluster = new Cluster(record);
  const scan = scanFor(record);
  const taps: TapSeen[] = [];
  // One after the other: the processor is what is busy, and the memory of one batch of frames is enough.
  for (const tap of record.taps) {
    const node = cluster.node(tap.node);
    if (node) taps.push(await examineTap(cluster, scan, tap, node, join(evidence, tap.file)));
  }
  return verifyResult(cluster, taps, expect === undefined ? record.expect : expect, evidence);
}

/** Reads the capture of one tap in one pass. */
async function examineTap(
  cluster: Cluster,
  scan: MarkerScan<string> | undefined,
  tap: TapRecord,
  node: NodeRecord,
  path: string,
): Promise<TapSeen> {
  const examiner = new TapExaminer(cluster, tap, node);
  const search = scan && new MarkerSearch(scan);
  const capture = readCaptureFile(path, openRegular);
  let broken: string | undefined;
  let unsearched = 0;
  const note = (sightings: readonly Sighting<string>[]) => {
    for (const { marker, frames } of sightings) if (frames.length > 1) examiner.sawParts(marker, frames);
    for (const each of search?.takeUnsearched() ?? []) {
      if (each.kind === 'over bound') unsearched += 1;
      examiner.notSearched(each);
    }
  };
  try {
    for await (const frames of capture) {
      const sightings = search?.feed(frames) ?? [];
      const markers = byFrame(sightings);
      for (const frame of frames) examiner.see(frame, decodeFrame(frame), [...(markers.get(frame.index) ?? [])]);
      note(sightings);
    }
    if (capture.truncated) broken = 'it ends in the middle of a packet';
  } catch (error) {
    broken = whyBroken(error);
  }
  const late = search?.finish() ?? [];
  for (const { marker, frames } of late) if (frames.length === 1) examiner.sawParts(marker, frames);
  note(late);
  return examiner.seen({ broken, unsearched });
}

/** Searches for the markers of control packets too: markers of one run may begin alike, so theirs must be known. */
function scanFor(record: Record): MarkerScan<string> | undefined {
  const ids = [
    ...record.probes.flatMap((probe) => [probe.request, probe.reply]),
    ...record.controls.flatMap((control) => [control.open, control.close]),
  ];
  const bytes = new Map(ids.map((id): [string, Uint8Array] => [id, Buffer.from(record.markers[id] ?? '', 'latin1')]));
  return bytes.size > 0 ? new MarkerScan(bytes) : undefined;
}

/** Counts a split marker for the frame that completed it, which is among those just read. */
function byFrame(sightings: readonly Sighting<string>[]): Map<number, Set<string>> {
  const markers = new Map<number, Set<string>>();
  for (const { marker, frames } of sightings) {
    const last = frames.at(-1);
    if (last !== undefined) markers.set(last, (markers.get(last) ?? new Set()).add(marker));
  }
  return markers;
}

/** Returns what is wrong with the file. Throws any other error again: it is a bug in the program. */
function whyBroken(error: unknown): string {
  if (error instanceof CaptureError) return error.message;
  if (error instanceof Error && 'syscall' in error) return error.message;
  throw error;
}
