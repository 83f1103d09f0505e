// Reads comments, string literals that people see, labs and docs for words and openings that wglab does not use:
// CONTRIBUTING.md says which and why. Prints file, line and the remedy; exits with 1 if there is any.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';

/** Word or phrase → what to write instead. Matched in any case, as whole words. */
const BANNED = [
  [/\bin clear\b/i, 'plaintext'],
  [/\b(lab|cluster|deployment|node|nodes|labs) stands?\b/i, 'runs / is running'],
  [/\bstands? already\b/i, 'is running already'],
  [/\bno lab stands\b/i, 'no lab is running'],
  [/\banew\b/i, 'again'],
  [/\bby lot\b/i, 'at random'],
  [/\bbeside\b/i, 'next to'],
  [/\bmends?\b|\bmended\b|\bmending\b/i, 'fix'],
  [/\bheals?\b|\bhealed\b/i, 'fix, repair'],
  [/\b(takes?|took|taken|taking) away\b/i, 'remove'],
  [/\bis told\b|\bare told\b|\btold of\b|\btells of\b/i, 'report, receive'],
  [/\bbe it\b/i, 'whether … or …'],
  [/\bwhatever comes of it\b/i, 'however it ends'],
  [/\blower case\b/i, 'lowercase'],
  [/\bis of no use\b|\bof no concern\b/i, 'say it directly'],
  [/\bis there twice\b/i, 'appears twice'],
  [/\ba fault of wglab\b/i, 'a bug in wglab'],
  [/\bGives (the|a|an|what|whether|back|undefined|every|all|each|up to)\b/, 'Returns …'],
  [/\bin no case\b/i, 'never'],
  [/\bside by side with\b/i, 'in parallel with'],
];

/** Openings of a comment that hide the subject and the verb. */
const OPENINGS = [/^(What|Where|Who|Whom|Whose|Of|By|Be it|That)\b/];

/** Names of Kubernetes and other texts in which a banned word is somebody else's. */
const ALLOWED = [/all lower ?case alphanumeric/i, /lower case (alphanumeric|RFC)/i, /Standing/];

const files = execFileSync('git', ['ls-files', 'src', 'test', 'bench', 'scripts', 'bin', 'labs', 'docs', '*.md'], {
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter(
    (file) =>
      /\.(ts|mjs|md)$/.test(file) &&
      file !== 'scripts/words.mjs' &&
      !file.endsWith('words.test.ts') &&
      file !== 'CHANGELOG.md',
  );

/** Files with wording that is not ours yet: headings of labs, from which steps take their names, and texts that tests quote. */
const NOT_YET = [
  'labs/by-hand.md',
  'labs/end-to-end.md',
  'labs/troubleshooting.md',
  'src/wire/explain/',
  'src/proof/record/rules.ts',
  'test/cli/explain.e2e.test.ts',
  'test/e2e/kubectl-encryption.test.ts',
  'test/wire/explain.test.ts',
];

const only = process.argv.slice(2);
let found = 0;
let elsewhere = 0;
for (const file of files) {
  if (only.length > 0 && !only.some((prefix) => file.startsWith(prefix))) continue;
  const text = readFileSync(file, 'utf8');
  const pieces = file.endsWith('.md') ? proseOf(text) : codeTexts(text, file);
  for (const { offset, words, isComment } of pieces)
    for (const problem of problemsIn(words, isComment)) report(file, text, offset + problem.at, problem);
}
process.exitCode = found > 0 ? 1 : 0;
if (found > 0) process.stderr.write(`${found} places\n`);
if (elsewhere > 0) process.stderr.write(`${elsewhere} places in rooms that are not rewritten yet\n`);

function report(file, text, offset, { said, remedy }) {
  if (only.length > 0 || !NOT_YET.some((path) => file.startsWith(path))) found += 1;
  else {
    elsewhere += 1;
    return;
  }
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  process.stdout.write(`${file}:${line}: "${said}": ${remedy}\n`);
}

function* problemsIn(words, isComment) {
  for (const [pattern, instead] of BANNED) {
    for (const match of words.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))) {
      const around = words.slice(Math.max(0, match.index - 40), match.index + 60);
      if (!ALLOWED.some((allowed) => allowed.test(around)))
        yield { at: match.index, said: match[0], remedy: `write: ${instead}` };
    }
  }
  if (!isComment) return;
  const opening = words.replace(/^[/*\s]+/, '');
  const match = OPENINGS.map((pattern) => pattern.exec(opening)).find(Boolean);
  if (match)
    yield { at: words.indexOf(match[0]), said: `${opening.slice(0, 40)}…`, remedy: 'open with the subject or a verb' };
}

/** Returns a Markdown file's text outside fenced blocks, which hold commands and what they print. */
function proseOf(text) {
  let offset = 0;
  let isFenced = false;
  const pieces = [];
  for (const line of text.split('\n')) {
    if (/^\s*(```|~~~)/.test(line)) isFenced = !isFenced;
    else if (!isFenced)
      pieces.push({ offset, words: line.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length)), isComment: false });
    offset += line.length + 1;
  }
  return pieces;
}

/** Returns the comments and string literals of a module, read by a parser: a quote in a comment is no string. */
function codeTexts(text, file) {
  const bytes = Buffer.from(text);
  const at = (byte) => bytes.subarray(0, byte).toString().length;
  const literals = [];
  const module = parseSync(text, { syntax: file.endsWith('.ts') ? 'typescript' : 'ecmascript', target: 'es2022' });
  // Offsets continue over all files that were parsed before, and a leading comment is not part of the first item.
  const base = spanBase(module, text);
  walk(module, (node) => {
    if (node.type === 'StringLiteral' || node.type === 'TemplateElement') {
      literals.push({
        from: node.span.start - base,
        to: node.span.end - base,
        words: node.value ?? node.cooked ?? node.raw,
      });
    }
  });
  const inLiteral = new Set();
  for (const { from, to } of literals) for (let i = from; i < to; i++) inLiteral.add(i);
  const comments = commentsOf(bytes, inLiteral).map(({ from, to }) => ({
    offset: at(from),
    words: bytes.subarray(from, to).toString(),
    isComment: true,
  }));
  const strings = literals
    .filter(({ words }) => typeof words === 'string' && /\s/.test(words))
    .map(({ from, words }) => ({ offset: at(from), words, isComment: false }));
  return [...mergedLines(comments, text), ...strings];
}

/** Joins `//` comments of neighbouring lines: only the first one opens a sentence. */
function mergedLines(comments, text) {
  const merged = [];
  for (const comment of comments) {
    const last = merged.at(-1);
    const between = last && text.slice(last.offset + last.words.length, comment.offset);
    if (last && comment.words.startsWith('//') && last.words.startsWith('//') && /^\n[ \t]*$/.test(between)) {
      last.words = text.slice(last.offset, comment.offset + comment.words.length);
    } else merged.push({ ...comment });
  }
  return merged;
}

function commentsOf(bytes, inLiteral) {
  const comments = [];
  for (let i = 0; i < bytes.length - 1; i++) {
    if (inLiteral.has(i) || bytes[i] !== 0x2f) continue;
    if (bytes[i + 1] === 0x2f) {
      const end = bytes.indexOf(0x0a, i);
      comments.push({ from: i, to: end < 0 ? bytes.length : end });
    } else if (bytes[i + 1] === 0x2a) {
      const end = bytes.indexOf('*/', i + 2);
      comments.push({ from: i, to: end + 2 });
    } else continue;
    i = comments.at(-1).to - 1;
  }
  return comments;
}

function spanBase(module, text) {
  const bytes = Buffer.from(text);
  // The module's span ends where its last token ends.
  let end = bytes.length;
  while (end > 0 && /\s/.test(String.fromCharCode(bytes[end - 1]))) end -= 1;
  return module.span.end - end > 0 ? module.span.end - end : module.span.start;
}

function walk(node, visit) {
  if (Array.isArray(node)) for (const item of node) walk(item, visit);
  else if (node && typeof node === 'object') {
    if (typeof node.type === 'string') visit(node);
    for (const value of Object.values(node)) if (value && typeof value === 'object') walk(value, visit);
  }
}
