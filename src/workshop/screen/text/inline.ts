import { type Span, type Style, span } from './row.ts';

/** Returns the spans of Markdown inside a paragraph: `code`, **strong**, *emphasis*, links, escapes. Anything else stays as it is written. */
export function inlineSpans(markdown: string, style: Style = 'plain'): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const found of markdown.matchAll(INLINE)) {
    spans.push(span(entities(markdown.slice(end, found.index)), style));
    spans.push(...construct(found.groups ?? {}, style));
    end = found.index + found[0].length;
  }
  spans.push(span(entities(markdown.slice(end)), style));
  return spans.filter(({ text }) => text !== '');
}

const INLINE = new RegExp(
  [
    String.raw`\\(?<escaped>[!-/:-@[-\`{-~])`,
    '(?<ticks>`+)(?<code>[^`]|[^`].*?[^`])\\k<ticks>(?!`)',
    String.raw`(?<strongMark>\*\*|\b__)(?<strong>\S|\S.*?\S)\k<strongMark>`,
    String.raw`\*(?<star>[^\s*]|[^\s*][^*]*?[^\s*])\*`,
    String.raw`(?<![\w_])_(?<underscore>[^\s_]|[^\s_].*?[^\s_])_(?![\w_])`,
    String.raw`!?\[(?<label>[^\]]*)\]\((?<target>[^)\s]*)(?:\s"[^"]*")?\)`,
    String.raw`<(?<address>https?://[^>\s]+)>`,
    String.raw`(?<newline><br\s*/?>)`,
    '</?(?<tag>kbd|sub|sup|b|i|em|strong|code)>',
  ].join('|'),
  'gs',
);

function construct(found: Record<string, string | undefined>, style: Style): Span[] {
  const { escaped, code, strong, label, target = '', address, newline } = found;
  const emphasis = found.star ?? found.underscore;
  if (escaped !== undefined) return [span(escaped, style)];
  // As in CommonMark, one space on either side only separates the text from the backticks.
  if (code !== undefined) return [span(code.replace(/\s/g, ' ').replace(/^ (.*\S.*) $/, '$1'), 'code')];
  if (strong !== undefined) return inlineSpans(strong, 'strong');
  if (emphasis !== undefined) return inlineSpans(emphasis, style === 'plain' ? 'emphasis' : style);
  if (label !== undefined) return link(label, target);
  if (address !== undefined) return [span(address, 'link')];
  return newline === undefined ? [] : [span('\n', style)];
}

/** Writes out a web address, because a terminal offers no other way to follow it; a link inside the repository leads nowhere from here. */
function link(label: string, target: string): Span[] {
  const spans = inlineSpans(label, 'link');
  return /^https?:/.test(target) && target !== label ? [...spans, span(` (${target})`, 'dim')] : spans;
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ', '#39': "'" };

function entities(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|nbsp|#39);/g, (_, name: string) => ENTITIES[name] ?? '');
}
