import { expect, test } from 'vitest';
import * as packets from './packets.ts';
import { inject, judgeRun, makeRun, nodeOf, type Run, vxlanOn } from './run.ts';

/** Two nodes that were chosen, and a third that the cluster has, whose pods one of them talks to in plaintext. */
function twoOfThree(as: 'outside' | 'unprobed'): Run {
  const run = makeRun({ nodes: 2 });
  const n1 = nodeOf(run, 'n1');
  const n3 = { ...n1, name: 'n3', address: '172.18.0.4' };
  run.record[as] = [{ name: 'n3', address: n3.address, reason: 'why it is so' }];
  run.record.podNetworks.push({ cidr: '192.168.3.0/26', node: 'n3' });
  const inner = packets.ipv4('192.168.1.5', '192.168.3.5', 17, packets.udp(1, 2, Buffer.from('hello')));
  inject(run, 'n1', vxlanOn(4789, n1, n3, inner));
  return run;
}

test('traffic to a node that was not chosen fails no claim, and is reported', async () => {
  const result = await judgeRun(twoOfThree('outside'));
  expect(result).toMatchObject({ verdict: 'pass', unprobed: [] });
  expect(result.pairs.map(({ from, to }) => [from, to])).toEqual([
    ['n1', 'n2'],
    ['n2', 'n1'],
  ]);
  expect(result.summary).toBe('Traffic between all 2 pairs of nodes is encrypted. Nothing is said of n3: not chosen.');
  expect(result.outOfScope[0]).toEqual({
    ...{ what: 'not-chosen', packets: 1, nodes: ['n3'] },
    note: expect.stringContaining('why it is so'),
  });
});

test('a plaintext packet of a node that was chosen but could not be probed is a leak', async () => {
  const result = await judgeRun(twoOfThree('unprobed'));
  expect(result).toMatchObject({ verdict: 'fail', unprobed: [{ node: 'n3', reason: 'why it is so' }] });
  expect(result.pairs).toHaveLength(6);
});
