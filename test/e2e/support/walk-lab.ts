import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../../src/errors.ts';
import { findLab, type LabDefinition } from '../../../src/lab/lab-definition.ts';
import { type LabText, readLabText } from '../../../src/lab/lab-text.ts';
import type { Step } from '../../../src/lab/step.ts';
import type { BlockRun } from '../../../src/workshop/block-run.ts';
import { type Checked, checkStep } from '../../../src/workshop/check.ts';
import { runStep, undoStep } from '../../../src/workshop/run.ts';
import { openSession, type Session } from '../../../src/workshop/session.ts';
import { whyNoFaults } from './requirements.ts';
import { otherShape } from './shape.ts';
import { Home } from './wglab.ts';

/** The time limit of one step, which runs two or three times. */
const STEP_MS = 180_000;

const signal = new AbortController().signal;
const lacking = whyNoFaults();
/**
 * Defines the tests of one lab: each lab has a file of its own, so that they run in parallel. A lab that does not run on the
 * embedded engine is reported, not silently skipped.
 */
export async function testLab(name: string): Promise<void> {
  const definition = await findLab(name);
  const text = await readLabText(definition.file).catch(messageOf);
  if (!definition.engines.includes('embedded')) {
    describe(`the lab ${name}`, () => it.todo('does not run on the embedded engine'));
    return;
  }
  describe.skipIf(lacking)(`the lab ${name}${lacking ? ` (${lacking})` : ''}`, () => walk(definition, text));
}

/** Walks through a lab as one who does not skip anything: every step must be needed, must work, and must be safe to do again. */
function walk(definition: LabDefinition, text: LabText | string): void {
  if (typeof text === 'string') {
    it('can be read', () => expect.fail(text));
    return;
  }
  const without = text.steps.filter(({ check }) => check.length === 0).map(({ title }) => title);
  if (without.length === text.steps.length) {
    it.todo('has no checks yet');
    return;
  }
  it('has a check in every step', () => expect(without).toEqual([]));

  const before = { ...process.env };
  let home: Home;
  let session: Session;
  /** The step that went wrong: those after it have nothing to stand on. */
  let broken: string | undefined;

  beforeAll(async () => {
    home = new Home();
    for (const name of ['WGLAB_LAB', 'WGLAB_ENGINE', 'FORCE_COLOR', 'GITHUB_ACTIONS']) delete process.env[name];
    process.env.WGLAB_HOME = home.folder;
    session = await openSession(definition, { temporary: true, engine: 'embedded' });
  });
  afterAll(async () => {
    await session.end();
    await home.dispose();
    process.env = before;
  });

  for (const step of text.steps) {
    it(
      step.title,
      async () => {
        if (broken !== undefined) expect.fail(`not run, for the step "${broken}" went wrong`);
        broken = step.title;
        await prove(session, step);
        broken = undefined;
      },
      STEP_MS,
    );
  }

  it('leaves nothing behind', async () => {
    await session.end(); // its folder is among what labs keep
    if (broken === undefined) home.expectNothingLeft(home.census());
  });
}

async function prove(session: Session, step: Step): Promise<void> {
  if (step.check.length > 0) await expectNot(session, step, 'before its commands');
  const blocks = await run(session, step);
  expect(otherShapes(step, blocks), 'examples of output').toEqual([]);
  await expectHolds(session, step, 'after its commands');
  await run(session, step);
  await expectHolds(session, step, 'after its commands a second time');
  if (step.undo === undefined) return;
  await undoStep(session, step, signal);
  await expectNot(session, step, 'after its undo');
  await run(session, step);
  await expectHolds(session, step, 'after its undo and its commands again');
}

async function run(session: Session, step: Step): Promise<BlockRun[]> {
  const { ok, blocks } = await runStep(session, step, { block: () => undefined, output: () => undefined }, signal);
  const told = blocks.map(({ block, status, output }) => `line ${block.place.line}, status ${status}:\n${output}`);
  expect(ok, told.join('\n')).toBe(true);
  return blocks;
}

async function expectHolds(session: Session, step: Step, when: string): Promise<void> {
  const checked = await checkStep(session, step, signal);
  expect(checked.filter(({ holds }) => !holds).map(described), `the check ${when}`).toEqual([]);
}

async function expectNot(session: Session, step: Step, when: string): Promise<void> {
  const checked = await checkStep(session, step, signal);
  expect(
    checked.every(({ holds }) => holds),
    `the check holds already ${when}:\n${checked.map(described).join('\n')}`,
  ).toBe(false);
}

function described({ condition, seen }: Checked): string {
  return `line ${condition.place.line}: ${condition.run}\n${seen}`;
}

/** The examples that do not have the shape of what the commands before them printed. */
function otherShapes(step: Step, runs: readonly BlockRun[]): string[] {
  return step.blocks.flatMap((block, i) => {
    if (block.kind !== 'output') return [];
    const commands = step.blocks.slice(0, i).findLast(({ kind }) => kind === 'commands');
    const real = runs.find((run) => run.block === commands)?.output ?? '';
    const other = otherShape(block.text, real);
    return other === undefined ? [] : [`line ${block.place.line}: ${other}\nprinted:\n${real}`];
  });
}
