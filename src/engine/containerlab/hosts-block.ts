import { readFile, writeFile } from 'node:fs/promises';
import { runTool } from '../../process/tool.ts';

/** The file into which containerlab writes the names of a lab's containers, between two lines that bear the lab's name. */
export const HOSTS = '/etc/hosts';

/** Returns the text without a lab's block; undefined if it has none, or one without an end. */
export function withoutBlock(text: string, lab: string): string | undefined {
  const lines = text.split('\n');
  const start = lines.indexOf(marker(lab, 'START'));
  const end = lines.indexOf(marker(lab, 'END'), start);
  if (start < 0 || end < 0) return undefined;
  const rest = [...lines.slice(0, start), ...lines.slice(end + 1)].join('\n');
  return withoutBlock(rest, lab) ?? rest; // a lab that was killed twice may have two
}

function marker(lab: string, which: 'START' | 'END'): string {
  return `###### CLAB-${lab}-${which} ######`;
}

/** Removes the block of a lab that containerlab could not remove because it was killed. `root`: words that run a command as root. */
export async function removeHostsBlock(lab: string, root: readonly string[], file = HOSTS): Promise<void> {
  const rest = withoutBlock(await readFile(file, 'utf8').catch(() => ''), lab);
  if (rest === undefined) return;
  // In place: in a container the file is a mount, which nothing can be renamed onto.
  if (root.length === 0) await writeFile(file, rest);
  else await runTool([...root, 'tee', file], rest);
}

/** Returns whether anything of a lab's block is left. */
export async function hasHostsBlock(lab: string, file = HOSTS): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => ''); // then nothing of ours can be in it
  return text.includes(marker(lab, 'START'));
}
