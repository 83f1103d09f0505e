import type { VerifyResult } from '../../../proof/result.ts';
import type { Palette } from '../../../text/style.ts';

const SECRET = /(password|bearer|token|secret|api[-_]?key|cookie|authorization|aws|akia|sk_live)/i;
const SHOWN = 2;

/** Some of what was captured, for the eye: secrets in readable packets, or the bytes of encrypted ones. */
export function excerptText({ excerpts }: VerifyResult, palette: Palette): string {
  const readable = excerpts.filter(({ kind, lines }) => kind === 'plaintext' && lines.length > 0);
  const worth = (lines: readonly string[]) => lines.filter((line) => SECRET.test(line)).length;
  const plain = readable.toSorted((a, b) => worth(b.lines) - worth(a.lines)).slice(0, SHOWN);
  const cipher = excerpts.filter(({ kind }) => kind === 'ciphertext').slice(0, SHOWN);
  return [...plain, ...(plain.length > 0 ? [] : cipher)]
    .map(({ kind, from, to, description, lines }) => {
      const colour = kind === 'plaintext' ? palette.yellow : palette.dim;
      const head = `  ${from} → ${to}: ${palette.dim(description)}`;
      return [head, ...lines.map((line) => `    ${colour(line)}`)].join('\n');
    })
    .join('\n')
    .concat(excerpts.length > 0 ? '\n' : '');
}
