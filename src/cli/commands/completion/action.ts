import type { Command } from 'commander';
import { deploymentNames, labNames, nodeNames, targetNames } from '../../../operations/known-names.ts';
import type { Context } from '../../context.ts';
import { type Completion, complete } from './complete.ts';
import { COMPLETION_SCRIPTS, type Shell } from './scripts.ts';

/** Prints the script for a shell; or, asked by that script with the words so far in WGLAB_COMPLETE, what may come next. */
export async function completionCommand({ out }: Context, shell: Shell, program: Command): Promise<undefined> {
  const { WGLAB_COMPLETE: typed, WGLAB_LAB } = process.env;
  if (typed === undefined) {
    out.write(COMPLETION_SCRIPTS[shell]);
    return undefined;
  }
  const words = typed.split('\n').slice(0, -1);
  const completion = complete(program, shell === 'bash' ? joinedAtEquals(words) : words);
  const lines = await linesOf({ ...completion, lab: completion.lab ?? WGLAB_LAB });
  // bash replaces only what comes after the "=", the others the whole word.
  const start = shell === 'bash' ? '' : completion.start;
  out.write(lines.map((line) => (line.startsWith(':') ? `${line}\n` : `${start}${line}\n`)).join(''));
  return undefined;
}

/** bash takes "=" for a word of its own: `--lab=x` comes as three. */
function joinedAtEquals(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [i, word] of words.entries()) {
    const afterFlag = word === '=' && joined.at(-1)?.startsWith('--');
    const afterEquals = words[i - 1] === '=' && joined.at(-1)?.endsWith('=');
    if (afterFlag || afterEquals) joined.push(`${joined.pop()}${word}`);
    else joined.push(word);
  }
  return joined;
}

async function linesOf({ words, values, typed, lab }: Completion): Promise<string[]> {
  const fixed = words.map(({ word, about }) => ({ word, about: about.split('\n')[0] ?? '' }));
  const found = [...fixed, ...[...new Set(await namesOf(values, lab))].map((word) => ({ word, about: '' }))];
  const lines = found
    .filter(({ word }) => word.startsWith(typed))
    .map(({ word, about }) => (about ? `${word}\t${about}` : word));
  if (values === 'files' || (values === 'labs' && /^[./~]/.test(typed))) return [...lines, ':files'];
  return values === 'folders' ? [...lines, ':folders'] : lines;
}

async function namesOf(values: Completion['values'], lab: string | undefined): Promise<string[]> {
  switch (values) {
    case 'labs':
      return labNames();
    case 'deployments':
      return deploymentNames();
    case 'nodes':
      return nodeNames(lab);
    case 'targets':
      return targetNames(lab);
    default:
      return [];
  }
}
