import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/lab/step.ts';
import { processIdentity } from '../../src/process/identity.ts';
import type { BlockRun } from '../../src/workshop/block-run.ts';
import { checkStep } from '../../src/workshop/check.ts';
import { runStep, undoStep } from '../../src/workshop/run.ts';
import { openSession, type Session } from '../../src/workshop/session.ts';
import { until } from '../e2e/support/until.ts';
import { definition, fence, ownHome, stepOf } from './support.ts';

const home = ownHome();
const calm = new AbortController().signal;
let session: Session;

beforeEach(async () => {
  session = await openSession(definition, { temporary: true });
});
afterEach(() => session.end());

async function run(step: Step, signal = calm): Promise<{ ok: boolean; blocks: BlockRun[]; told: string }> {
  let told = '';
  const listener = {
    block: () => undefined,
    command: (text: string) => {
      told += `$ ${text}\n`;
    },
    output: (chunk: Buffer) => {
      told += chunk;
    },
  };
  return { ...(await runStep(session, step, listener, signal)), told };
}

function alive(pid: string): boolean {
  return processIdentity(Number(pid)) !== undefined; // one that only waits for its parent to take note is not
}

/** The processes whose present folder it is. */
function runningIn(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false; // it ended meanwhile
    }
  });
}

describe('the commands of a step', () => {
  test('run in the notebook, with this wglab and the kubeconfig of the lab', async () => {
    const { ok, told } = await run(
      stepOf(fence('sh', 'pwd\nwglab --version\necho "$KUBECONFIG $WGLAB_LAB $WGLAB_LAB_FILE"')),
    );
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(ok).toBe(true);
    expect(told).toBe(
      `$ pwd\n${session.notebook}\n$ wglab --version\n${version}\n$ echo "$KUBECONFIG $WGLAB_LAB $WGLAB_LAB_FILE"\n${home.folder}/made-up/kubeconfig made-up /labs/made-up.md\n`,
    );
  });

  test('stop at the first that fails, in a pipe too; later blocks do not run', async () => {
    const step = stepOf(fence('sh', 'echo one\nfalse | cat\necho two') + fence('sh', 'touch three'));
    const { ok, blocks, told } = await run(step);
    expect(ok).toBe(false);
    expect(told).toBe('$ echo one\none\n$ false | cat\n');
    expect(blocks.map(({ status }) => status)).toEqual([1]);
    expect(readdirSync(session.notebook)).toEqual([]);
  });

  test('keep both streams in the order in which they were written', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => `echo ${i} >&${1 + (i % 2)}`);
    const { blocks } = await run(stepOf(fence('sh', `{ ${lines.join('; ')}; }`)));
    expect(blocks[0]?.output).toBe(Array.from({ length: 200 }, (_, i) => `${i}\n`).join(''));
  });

  test('leave nothing running', async () => {
    const step = stepOf(fence('sh', "sleep 1000 & echo $! > pid\n(trap '' TERM INT; sleep 1001) & echo $! >> pid"));
    expect((await run(step)).ok).toBe(true);
    const pids = readFileSync(join(session.notebook, 'pid'), 'utf8').trim().split('\n');
    expect(pids.filter(alive)).toEqual([]);
  });

  test('are ended, with all that they started, when they are interrupted', async () => {
    const stop = new AbortController();
    const step = stepOf(
      fence('sh background', 'sleep 1002') + fence('sh', 'echo $$ > new; mv new pid; sleep 1003; sleep 1004'),
    );
    const running = run(step, stop.signal);
    await until('the block to run', () => existsSync(join(session.notebook, 'pid')));
    const pid = readFileSync(join(session.notebook, 'pid'), 'utf8');
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(alive(pid)).toBe(false);
    expect(runningIn(session.notebook)).toEqual([]);
  });
});

describe('a block in the background', () => {
  test('runs while the later ones run, and is then ended as by Ctrl-C', async () => {
    const watch = "trap 'echo summary; exit 0' INT\necho ready\nwhile :; do sleep 0.05; done";
    const { ok, blocks } = await run(stepOf(fence('sh background', watch) + fence('sh', 'echo work')));
    expect(ok).toBe(true);
    expect(blocks.map(({ output, status }) => ({ output, status }))).toEqual([
      { output: 'ready\nsummary\n', status: null },
      { output: 'work\n', status: 0 },
    ]);
  });

  test('answers for its status where it ended by itself', async () => {
    const { ok, blocks } = await run(stepOf(fence('sh background', 'echo no; exit 3') + fence('sh', 'sleep 0.5')));
    expect({ ok, status: blocks[0]?.status }).toEqual({ ok: false, status: 3 });
  });

  test('ends with the session', async () => {
    const pid = join(session.notebook, 'pid');
    const kept = await openSession(definition);
    const { runBlock } = await import('../../src/workshop/run.ts');
    const [block] = stepOf(fence('sh background', `echo $$ > ${pid}; echo; sleep 1005`) + fence('sh', 'true')).blocks;
    if (block?.kind !== 'commands') throw new Error('no commands');
    await runBlock(kept, block, { output: () => undefined }, calm);
    const number = readFileSync(pid, 'utf8');
    expect(alive(number)).toBe(true);
    await kept.end();
    expect(alive(number)).toBe(false);
    expect(existsSync(kept.notebook)).toBe(true);
  });
});

test('a temporary notebook goes with the session', async () => {
  const other = await openSession(definition, { temporary: true });
  await other.end();
  expect(existsSync(other.notebook)).toBe(false);
});

describe('a check', () => {
  const check = (yaml: string) => checkStep(session, stepOf(fence('yaml check', yaml)), calm);

  test('holds where all that it asks for is so', async () => {
    const checked = await check(`
- run: printf 'a\\nb\\n'; exit 3
  prints: ^b$
  lacks: c
  status: 3
  otherwise: It is not so.
`);
    expect(checked).toEqual([expect.objectContaining({ holds: true, seen: 'a\nb' })]);
  });

  test.each([
    ['run: echo hello; exit 2', 'hello\n(exit status 2, not 0)'],
    ['run: "true"\n  status: 1', '(exit status 0, not 1)'],
    ['run: echo hello\n  prints: Hello', 'hello\n(nothing in it matches Hello)'],
    ['run: echo hello\n  lacks: l+', 'hello\n(it matches l+)'],
    ['run: cat nothing\n  prints: something', 'cat: nothing: No such file or directory\n(exit status 1, not 0)'],
  ])('does not hold: %j', async (yaml, seen) => {
    expect(await check(`- ${yaml}\n  otherwise: It is not so.`)).toEqual([
      {
        condition: expect.objectContaining({ otherwise: 'It is not so.' }),
        holds: false,
        seen,
        seconds: expect.any(Number),
      },
    ]);
  });
});

describe('undo', () => {
  test('takes a step back', async () => {
    const step = stepOf(fence('sh', 'touch it') + fence('sh undo', 'rm it'));
    await run(step);
    expect(readdirSync(session.notebook)).toEqual(['it']);
    await undoStep(session, step, calm);
    expect(readdirSync(session.notebook)).toEqual([]);
  });

  test('says what it did where it did not work', async () => {
    await expect(undoStep(session, stepOf(fence('sh undo', 'rm it')), calm)).rejects.toMatchObject({
      exitCode: 5,
      detail: expect.stringContaining('No such file'),
    });
  });
});
