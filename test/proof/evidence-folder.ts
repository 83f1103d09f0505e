import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeRun } from '../../src/proof/evidence/judge-evidence.ts';
import { sealEvidence } from '../../src/proof/evidence/seal.ts';
import { sha256Of } from '../../src/state/digest.ts';
import * as packets from './packets.ts';
import { COUNT_LATER, type Run } from './run.ts';

/** Writes a run down as wglab does, sealed, and signed if there is a key. */
export async function sealedRun(run: Run, signKey?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-sealed-'));
  await mkdir(join(folder, 'taps'));
  const taps = [];
  for (const tap of run.record.taps) {
    const frames = run.taps.get(tap.node) ?? [];
    const bytes = packets.pcap(frames);
    await writeFile(join(folder, tap.file), bytes);
    const captured = tap.packetsCaptured === COUNT_LATER ? frames.length : tap.packetsCaptured;
    taps.push({ ...tap, sha256: sha256Of(bytes), size: bytes.length, packetsCaptured: captured });
  }
  await writeFile(join(folder, 'record.json'), JSON.stringify({ ...run.record, taps }));
  await sealEvidence(folder, await judgeRun(folder), signKey);
  return folder;
}

/** Runs a test on a folder and removes the folder. */
export async function within(folder: string, work: (folder: string) => Promise<unknown>): Promise<void> {
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
