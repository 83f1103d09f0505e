/** Makes what containerlab and kind say while they work into this program's own progress. */

export interface LogLine {
  level: 'info' | 'warning' | 'error' | 'other';
  text: string;
}

/** The levels of charmbracelet/log, of which containerlab prints four letters. */
const LEVELS: Record<string, LogLine['level']> = { INFO: 'info', WARN: 'warning', ERRO: 'error', FATA: 'error' };

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours begin with one
const COLOUR = /\u001b\[[0-9;]*m/g;

/** One line of containerlab's log: `20:24:39 INFO Creating container name=a`. Other lines are `other`, without their margins. */
export function logLine(raw: string): LogLine {
  const line = raw.replace(COLOUR, '').replace(/\r$/, '');
  const [, level, text] = /^(?:\d\d:\d\d:\d\d )?(INFO|WARN|ERRO|FATA|DEBU) (.*)$/.exec(line) ?? [];
  if (level !== undefined && text !== undefined) return { level: LEVELS[level] ?? 'other', text: text.trimEnd() };
  return { level: 'other', text: line.trim() };
}

/** Returns what the tool does now, in words for the person: kind's ` • Preparing nodes 📦  ...`, containerlab's `Creating container name=a`. */
export function stepOf({ level, text }: LogLine): string | undefined {
  if (level !== 'info') return undefined;
  const kind = /^\s*• (.+?)\s*\.\.\.$/.exec(text)?.[1];
  if (kind !== undefined) return `kind: ${withoutPictures(kind)}`;
  const [, doing, fields = ''] =
    /^((?:Creating|Created|Pulling|Deleting|Destroying) [^=]*?)(?: \.\.\.)?((?: \S+=.*)?)$/.exec(text) ?? [];
  if (doing === undefined) return undefined;
  const name = /(?:^|\s)name=(\S+)/.exec(fields)?.[1];
  return `containerlab: ${doing}${name === undefined ? '' : ` ${name}`}`;
}

/** The line that kind puts under each of its own says only which cluster it means, and a wrapped error has a heading of its own. */
export function saysSomething({ text }: LogLine): boolean {
  return text !== '' && text !== 'ERROR' && !/^kind-cluster=\S+$/.test(text);
}

function withoutPictures(text: string): string {
  return text.replace(/\p{Extended_Pictographic}|\ufe0f|\u200d/gu, '').trim();
}
