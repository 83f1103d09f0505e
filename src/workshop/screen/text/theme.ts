import type { Row, Style } from './row.ts';

/** The escape sequence that begins each style (ECMA-48, SGR): with colours, and without them if NO_COLOR asks for that. */
const LOOKS: Record<Style, readonly [colour: string, plain: string]> = {
  plain: ['', ''],
  strong: ['1', '1'],
  emphasis: ['3', '3'],
  heading: ['1;4', '1;4'],
  code: ['36', '1'],
  link: ['4', '4'],
  dim: ['2', '2'],
  command: ['1;36', '1'],
  good: ['32', '1'],
  bad: ['1;31', '1'],
  warning: ['33', '1'],
  secret: ['30;43', '7'],
  cipher: ['32', '2'],
  key: ['1', '1'],
  chosen: ['7', '7'],
};

/** Returns a row with the escape sequences for its styles; every style that begins also ends. */
export function painted({ spans }: Row, colours: boolean): string {
  return spans
    .map(({ text, style }) => {
      const look = LOOKS[style][colours ? 0 : 1];
      return look === '' || text === '' ? text : `\u001b[${look}m${text}\u001b[0m`;
    })
    .join('');
}
