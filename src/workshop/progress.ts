import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { makePrivateFolder, storageFailure, writeWhole } from '../state/whole-file.ts';
import { workshopFolder } from './session.ts';

/** A learner's place in a lab. Steps are identified by `Step.name`, so that a lab's text may change in between. */
export interface Progress {
  version: 1;
  /** The step where the learner is; null in the introduction. */
  step: string | null;
  /** The learner is at the end, after all steps. */
  finished: boolean;
  done: string[];
  skipped: string[];
  /** The number of hints shown, by step. */
  hints: Record<string, number>;
  /** When the lab in which this was done was deployed (`createdAt` of its state); null if none was deployed. */
  deployed: string | null;
}

/** Reads where the learner was; returns undefined if that is not known. A file that cannot be understood counts as missing. */
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

/** Saves the progress, in full or not at all. */
export async function saveProgress(lab: string, progress: Progress): Promise<void> {
  const folder = workshopFolder(lab);
  await makePrivateFolder(folder);
  await writeWhole(join(folder, FILE), `${JSON.stringify(progress, null, 2)}\n`);
}

/** Starts over. The learner's notebook is moved aside, because the checks would take old notes for new; only the last one moved is kept. */
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
      throw storageFailure(error, `put ${notebook} aside, or remove ${FILE} next to it`);
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
