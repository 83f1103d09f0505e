import { printable, printableLines } from './printable.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Returns a text for XML and HTML, in an element or an attribute; a line break survives in both. */
export function escapeXml(text: string): string {
  return printableLines(text)
    .replace(/[\ufdd0-\ufdef\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replaceAll('\n', '&#10;');
}

/** Returns a text for a Markdown table or paragraph in which nothing is markup: no link, no image, no HTML, no mention. */
export function escapeMarkdown(text: string): string {
  return printableLines(text.trim())
    .replace(/[\\`*_{}[\]()#+!|~@]/g, '\\$&')
    .replace(/[&<>]/g, (character) => ENTITIES[character] ?? '')
    .replace(/\s*\n\s*/g, '<br>');
}

/** Returns a text in Markdown's code marks that end only where the text does. */
export function markdownCode(text: string): string {
  const shown = printable(text).replaceAll('|', '\\|');
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${shown} ${fence}` : `${fence}${shown}${fence}`;
}

/** Returns the message of a GitHub workflow command, which no text can end or follow with another command. */
export function workflowMessage(text: string): string {
  return printableLines(text).replaceAll('%', '%25').replaceAll('\n', '%0A');
}

/** Returns the value of a property of a GitHub workflow command. */
export function workflowProperty(text: string): string {
  return workflowMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
