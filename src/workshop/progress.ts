import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { makePrivateFolder, storageFailure, writeWhole } from '../state/whole-file.ts';
import { workshopFolder } from './session.ts';

/** Where a learner is in a lab. Steps are named as `Step.name` does, so that a lab's text may change in between. */
export interface Progress {
  version: 1;
  /** The step where the learner is; null in the introduction. */
  step: string | null;
  /** At the end, behind all steps. */
  finished: boolean;
  done: string[];
  skipped: string[];
  /** How many hints were shown, by step. */
  hints: Record<string, number>;
  /** When the lab was deployed in which this was done (`createdAt` of its state); null where none stood. */
  deployed: string | null;
}

/** Where the learner was, or undefined where that is not known; a file that cannot be understood is as none. */
export async function readProgress(lab: string): Promise<Progress | undefined> {
  const file = join(workshopFolder(lab), FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw storageFailure(error, `read ${file}`);
  }
  return progressOf(text);
}

/** Keeps it, whole or not at all. */
export async function saveProgress(lab: string, progress: Progress): Promise<void> {
  const folder = workshopFolder(lab);
  await makePrivateFolder(folder);
  await writeWhole(join(folder, FILE), `${JSON.stringify(progress, null, 2)}\n`);
}

/** Begins anew. What the learner noted is put aside, for the checks would take it for new; the last one put aside is kept. */
export async function forgetProgress(lab: string): Promise<void> {
  const folder = workshopFolder(lab);
  const aside = join(folder, 'notebook.before');
  const notebook = join(folder, 'notebook');
  try {
    await rm(join(folder, FILE), { force: true });
    await rm(aside, { recursive: true, force: true });
    await rename(notebook, aside);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw storageFailure(error, `put ${notebook} aside, or remove ${FILE} beside it`);
    }
  }
}

const FILE = 'progress.json';

const progressSchema = z.object({
  version: z.literal(1),
  step: z.nullable(z.string()),
  finished: z.boolean(),
  done: z.array(z.string()),
  skipped: z.array(z.string()),
  hints: z.record(z.string(), z.number()),
  deployed: z.nullable(z.string()),
});

function progressOf(text: string): Progress | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // as none: to begin again harms less than not to begin
  }
  return progressSchema.safeParse(value).data;
}
