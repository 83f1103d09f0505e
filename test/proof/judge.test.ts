import { describe, expect, test } from 'vitest';
import { directTransport, ipipTransport, judgeRun, makeRun, vxlanTransport } from './run.ts';

describe('a run in which nothing went wrong', () => {
  test('all over WireGuard, with handshakes in the window, passes as encrypted', async () => {
    const result = await judgeRun(makeRun());
    expect(result.summary).toBe('Traffic between all 6 pairs of nodes is encrypted.');
    expect(result.verdict).toBe('pass');
  });
  test.each([vxlanTransport, directTransport, ipipTransport])('in clear', async (transport) => {
    const run = makeRun({ transport: () => transport, handshakes: false });
    const plain = await judgeRun(run, { expect: 'plaintext' });
    expect(plain.summary).toBe('Traffic between all 6 pairs of nodes is plaintext.');
    expect((await judgeRun(run)).verdict).toBe('fail');
    if (transport === vxlanTransport) console.log(JSON.stringify(plain, null, 1));
  });
});
