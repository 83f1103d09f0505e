import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { LabDefinition } from '../../src/lab/lab-definition.ts';
import { type LabText, parseLabText } from '../../src/lab/lab-text.ts';
import type { Step } from '../../src/lab/step.ts';

/** Steps in Markdown, as the text of a lab. */
export function labText(steps: string): LabText {
  return parseLabText(`---\ntitle: Made up\n---\n\n# Made up\n\n${steps}\n`, 'made-up.md');
}

/** The one step that some blocks make. */
export function stepOf(blocks: string): Step {
  const [step] = labText(`## Step\n\n${blocks}`).steps;
  if (!step) throw new Error('no step');
  return step;
}

/** A fenced block, for texts in which backticks would end the string. */
export function fence(info: string, text: string): string {
  return `\`\`\`${info}\n${text}\n\`\`\`\n\n`;
}

export const definition: LabDefinition = {
  name: 'made-up',
  file: '/labs/made-up.md',
  title: 'Made up',
  minutes: 1,
  topology: '/none',
  cni: { name: 'calico', manifests: [] },
  workloads: [],
  engines: ['embedded'],
};

/** A state folder of this test file's own, in the environment that the tests' own process has. */
export function ownHome(): { folder: string } {
  const home = { folder: '' };
  const before = process.env.WGLAB_HOME;
  beforeAll(() => {
    home.folder = mkdtempSync(join(tmpdir(), 'wglab-workshop-'));
    process.env.WGLAB_HOME = home.folder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.WGLAB_HOME;
    else process.env.WGLAB_HOME = before;
    rmSync(home.folder, { recursive: true, force: true });
  });
  return home;
}
