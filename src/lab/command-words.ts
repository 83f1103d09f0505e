/**
 * Splits a command into words, without a shell, by containerlab's rules for `exec` (github.com/google/shlex): quotation marks,
 * backslashes, and comments. Returns undefined if a quotation mark is not closed.
 */
export function commandWords(text: string): string[] | undefined {
  const words: string[] = [];
  let rest = text.trim();
  while (rest !== '' && !rest.startsWith('#')) {
    const word = WORD.exec(rest)?.[0] ?? '';
    if (word === '') return undefined;
    words.push(
      word.replace(PART, (_, single, double, escaped, plain) => {
        return single ?? double?.replace(/\\([\s\S])/g, '$1') ?? escaped ?? plain;
      }),
    );
    rest = rest.slice(word.length);
    if (rest !== '' && !/^\s/.test(rest)) return undefined;
    rest = rest.trimStart();
  }
  return words;
}

const PARTS = String.raw`'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\])`;
const PART = new RegExp(PARTS, 'g');
const WORD = new RegExp(`^(?:${PARTS})+`);
