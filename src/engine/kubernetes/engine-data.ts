import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labFailure } from '../../errors.ts';
import { writeWhole } from '../../state/whole-file.ts';

/** Everything that the engine must know to remove what it made, in `engine.json` of the lab's folder. */
export interface EngineData {
  version: 1;
  /** The value of the namespace's annotation: a namespace of the same name without it is somebody else's. */
  owner: string;
  namespace: string;
  /** The cluster of the namespace. */
  server: string;
  context: string;
  /** Why nodes were left without a probe when it was deployed, by their names. */
  unprobed: { [node: string]: string };
  /** The nodes that were not chosen, in the same way. */
  outside: { [node: string]: string };
}

function fileOf(folder: string): string {
  return join(folder, 'engine.json');
}

export async function writeEngineData(folder: string, data: EngineData): Promise<void> {
  await writeWhole(fileOf(folder), `${JSON.stringify(data, null, 2)}\n`, 0o600);
}

/** Returns undefined if nothing was begun. Throws failure 5 if the file is broken. */
export function readEngineData(folder: string): EngineData | undefined {
  let text: string;
  try {
    text = readFileSync(fileOf(folder), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  const data = parsed(text);
  if (data?.version === 1 && data.owner && data.namespace && data.server)
    return { ...data, unprobed: data.unprobed ?? {}, outside: data.outside ?? {} };
  throw labFailure(`${fileOf(folder)} is broken: it does not say which namespace of which cluster is this lab's`, {
    remedy: `kubectl delete namespace -l app.kubernetes.io/managed-by=wglab, in that cluster; then rm -r ${folder}`,
  });
}

function parsed(text: string): EngineData | undefined {
  try {
    return JSON.parse(text) as EngineData;
  } catch {
    return undefined; // told by the caller
  }
}
