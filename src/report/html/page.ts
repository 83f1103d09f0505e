import { createHash } from 'node:crypto';
import type { Report } from '../schema.ts';
import { SUMMARIES } from '../words.ts';
import { detailPage } from './detail-page.ts';
import { type Html, html, Html as Markup } from './escape.ts';
import { proofPage } from './proof-page.ts';
import { STYLE } from './style.ts';
import { verdictPage } from './verdict-page.ts';

/** Nothing may be loaded, run or sent; the page's own style alone is applied. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Returns the report as one page that needs no script, no network and no other file. */
export function reportPage(report: Report): string {
  const { run } = report;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${SUMMARIES[run.verdict ?? 'none']}: ${run.lab}, ${run.startedAt}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
${[verdictPage(report), proofPage(report), detailPage(report)] satisfies Html[]}
</main>
</body>
</html>
`.markup;
}
