import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { messagesFor, payloads, planTraffic } from '../../src/proof/live/plan.ts';
import { orderedPairs } from '../../src/proof/pairs.ts';

const pairs = orderedPairs(['a', 'b', 'c']);
const both = () => [4, 6] as const;

it('draws no length twice among the sequences that pass from one node to another over one family', () => {
  const { probes } = planTraffic(pairs, both, 10, randomInt);
  expect(probes).toHaveLength(12);
  const small = ({ sizes }: { sizes: number[] }) => sizes.slice(0, -1);
  for (const [from, to] of pairs) {
    for (const family of [4, 6]) {
      const there = probes.filter((p) => p.from === from && p.to === to && p.family === family);
      const back = probes.filter((p) => p.from === to && p.to === from && p.family === family);
      const passing = [
        ...there.flatMap((p) => [p.tcp, p.icmp, p.udp].flatMap(small)),
        ...back.flatMap((p) => [p.answers, p.icmp].flatMap(small)),
      ];
      expect(passing).toHaveLength(50);
      expect(new Set(passing).size).toBe(50);
    }
  }
});

it('ends every sequence with a packet that no MTU lets through, and sends nothing over TCP that nc would cut in two', () => {
  const { probes } = planTraffic(pairs, both, 6, randomInt);
  for (const { tcp, answers, icmp, udp, family } of probes) {
    for (const { sizes } of [tcp, answers, icmp, udp]) expect(sizes.at(-1)).toBeGreaterThan(1500);
    for (const { sizes } of [tcp, answers]) {
      const lines = payloads('tcp', family, sizes.slice(0, -1));
      expect(Math.min(...lines)).toBeGreaterThan(49);
      expect(Math.max(...lines)).toBeLessThanOrEqual(1024);
    }
  }
});

it('gives each pair markers of its own, the same ones over both families, and plans nothing over a family that pods lack', () => {
  const { probes, controls, markers } = planTraffic(pairs, (from) => (from === 'a' ? [4] : []), 6, randomInt);
  expect(probes.map(({ from, to, family }) => `${from} ${to} ${family}`)).toEqual(['a b 4', 'a c 4']);
  const ids = [...probes.flatMap((p) => [p.request, p.reply]), ...controls.flatMap((c) => [c.open, c.close])];
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => markers[id] !== undefined)).toBe(true);
  const [ipv4, ipv6] = planTraffic([['a', 'b']], both, 6, randomInt).probes;
  expect(ipv6?.request).toBe(ipv4?.request);
});

it('sends more messages when others send traffic, too', () => {
  expect(messagesFor(50_000)).toBeGreaterThan(messagesFor(0));
});
