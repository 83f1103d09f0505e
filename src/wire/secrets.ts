/**
 * Matches the secret itself in a readable line, not the word that names it. Bounded repeats only: lines are as long as whoever
 * sent them liked.
 */
const SECRET_VALUE = [
  '(?<=\\b(?:bearer|basic) )[^\\s"]{4,4096}',
  '(?<=\\bcookie: {0,4})[^\\r\\n]{1,4096}',
  '(?<=\\b[\\w-]{0,16}api[-_]?key[:=] {0,4})[^\\s&;"]{1,4096}',
  '(?<="[^"]{0,40}(?:passw(?:or)?d|secret|token|credential|key)[^":]{0,20}" {0,4}: {0,4}")[^"]{1,4096}',
  '(?<=\\b(?:passw(?:or)?d|secret|token)=)[^\\s&;"]{1,4096}',
  '\\b\\w{1,16}://[^\\s/:]{1,64}:[^\\s/@]{1,64}@[^\\s"]{1,256}',
].join('|');

/** Finds every secret in a text, for `matchAll` and `replace`. */
export function secretValues(): RegExp {
  return new RegExp(SECRET_VALUE, 'gi');
}
