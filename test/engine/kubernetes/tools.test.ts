import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { toolsMissing } from '../../../src/engine/kubernetes/tools.ts';
import type { NodeShell } from '../../../src/process/node-shell.ts';

test('a node that does not answer holds up no other, and is named', async () => {
  let killed = 0;
  const shell: NodeShell = async (node) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const silent = node === 'silent';
    if (!silent) for (const stream of [stdout, stderr]) stream.end(stream === stdout && node === 'bare' ? 'wg\n' : '');
    const exited = silent ? new Promise<number>(() => undefined) : Promise.resolve(0);
    const kill = () => {
      killed += 1;
    };
    return { stdin, stdout, stderr, exited, kill, resize: () => undefined };
  };
  const told: string[] = [];
  const missing = await toolsMissing(shell, ['silent', 'good', 'bare'], (text) => told.push(text), 100);
  expect([...missing].sort()).toEqual([
    ['bare', 'its probe pod lacks wg'],
    ['silent', 'no command can be run in its probe pod: no answer within 0.1 s'],
  ]);
  expect(killed).toBe(1);
  expect(told.at(-1)).toBe('3 of 3 nodes have answered, each in at most 0.1 s; last silent');
});
