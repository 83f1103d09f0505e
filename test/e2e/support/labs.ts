import { readdirSync } from 'node:fs';

/** The labs that come with wglab, by name: every file but the one that describes their format. */
export const LABS = readdirSync(new URL('../../../labs', import.meta.url))
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .map((file) => file.slice(0, -'.md'.length))
  .sort();
