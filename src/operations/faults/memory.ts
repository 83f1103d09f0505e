import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { labFailure } from '../../errors.ts';
import { storageFailure, writeWhole } from '../../state/whole-file.ts';
import type { Memory } from './fault.ts';
import { FAULT_NAMES, type FaultName } from './names.ts';

/** A fault that was made in a lab, and the facts to undo it. */
export interface PutFault {
  fault: FaultName;
  node: string;
  other: string;
  memory: Memory;
}

/** Returns the faults of a lab, the oldest first, which its folder records. Throws Failure 5 if that cannot be read. */
export async function rememberedFaults(folder: string): Promise<PutFault[]> {
  const file = fileIn(folder);
  const text = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '[]';
    throw storageFailure(error, `read ${file}`);
  });
  try {
    const found: unknown = JSON.parse(text);
    if (Array.isArray(found) && found.every(isPutFault)) return found;
  } catch (cause) {
    throw unreadable(file, cause);
  }
  throw unreadable(file);
}

/** Remembers these faults, and no others. */
export async function rememberFaults(folder: string, faults: readonly PutFault[]): Promise<void> {
  const file = fileIn(folder);
  if (faults.length === 0) await rm(file, { force: true });
  else await writeWhole(file, `${JSON.stringify(faults, null, 2)}\n`);
}

function fileIn(folder: string): string {
  return join(folder, 'faults.json');
}

function isPutFault(value: unknown): value is PutFault {
  if (typeof value !== 'object' || value === null) return false;
  const { fault, node, other, memory }: Partial<Record<keyof PutFault, unknown>> = value;
  return (
    FAULT_NAMES.some((name) => name === fault) &&
    [node, other].every((name) => typeof name === 'string') &&
    typeof memory === 'object' &&
    memory !== null
  );
}

function unreadable(file: string, cause?: unknown) {
  return labFailure(`${file} is not what wglab wrote: it does not know what was broken`, {
    remedy: 'wglab destroy, and deploy the lab again',
    cause,
  });
}
