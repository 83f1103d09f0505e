/** What is marked in a readable line: the values behind the words that give secrets away. */
const SECRET_VALUES =
  '(?<=bearer )\\S+|(?<=basic )\\S+|(?<=api-key: )\\S+|(?<=cookie: )\\S+|(?<=(password|secret|token|key)[^:]{0,20}": ")[^"]+|\\w+://[^\\s/]+:[^\\s/]+@\\S+';

/** A readable line in pieces, with the secrets told apart, or what `grep` finds. The pieces together are the line. */
export function markedSecrets(line: string, grep?: RegExp): { text: string; secret: boolean }[] {
  const pieces: { text: string; secret: boolean }[] = [];
  let end = 0;
  for (const { 0: found, index } of line.matchAll(new RegExp(grep?.source ?? SECRET_VALUES, 'gi'))) {
    if (found === '') continue;
    pieces.push({ text: line.slice(end, index), secret: false }, { text: found, secret: true });
    end = index + found.length;
  }
  return [...pieces, { text: line.slice(end), secret: false }].filter(({ text }) => text !== '');
}
