import { inputFailure } from './problem.ts';

/**
 * Returns the YAML between the two `---` at the beginning of a lab. It begins with the end of the first line, so that places in it are places in
 * the file. `lines` is how many lines the front matter takes, fences included. Throws a usage failure if there is none.
 */
export function frontMatter(text: string, file: string): { yaml: string; lines: number } {
  const [whole, yaml] = /^---[ \t]*(\r?\n(?:[^\n]*\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text) ?? [];
  if (whole !== undefined && yaml !== undefined) return { yaml, lines: yaml.split('\n').length };
  const message = /^---[ \t]*\r?\n/.test(text)
    ? 'the front matter does not end; close it with a line ---'
    : 'a lab begins with front matter: a line ---, what the lab consists of as YAML, and a line ---';
  throw inputFailure([{ place: { file, line: 1, column: 1 }, message }]);
}
