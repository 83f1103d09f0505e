import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHANCE,
  chanceIn,
  drawLargeSize,
  drawSizes,
  ESP_RULES,
  type Expected,
  findFingerprints,
  fragmentsOf,
  PLAINTEXT_RULES,
  refusalOf,
  type Sought,
  WIREGUARD_RULES,
  type WireMessage,
} from '../../src/proof/fingerprint.ts';

const MTUS = [1450, 1440];

function drawn(count = 6, taken = new Set<number>()): Expected {
  return { ...drawSizes('icmp', count, taken, randomInt), family: 4, mtus: MTUS, spanMs: 100 };
}

/** One message a millisecond. */
const onWire = (bytes: readonly number[], from = 0): WireMessage[] =>
  bytes.map((n, i) => ({ time: from + i, bytes: n }));
const padded = (multiple: number) => (n: number) => Math.ceil(n / multiple) * multiple;
const seek = (expected: Expected, messages: readonly WireMessage[], rules = WIREGUARD_RULES): Sought =>
  findFingerprints([expected], messages, rules)[0] as Sought;

describe('lengths', () => {
  it('are drawn once each, and each pads to another length under every rule', () => {
    const taken = new Set<number>();
    const { sizes: first, choices } = drawSizes('udp', 12, taken, randomInt);
    const { sizes: second } = drawSizes('icmp', 12, taken, randomInt);
    const all = [...first, ...second];
    expect(choices).toBe(60);
    for (const rule of [...WIREGUARD_RULES, ...ESP_RULES, ...PLAINTEXT_RULES]) {
      expect(new Set(all.map((n) => padded(rule.multiple)(n + rule.adds))).size).toBe(24);
    }
  });

  it('of TCP are within what nc sends at once, and of large packets above every ordinary MTU', () => {
    expect(Math.max(...drawSizes('tcp', 58, new Set(), randomInt).sizes)).toBe(1040);
    expect(() => drawSizes('tcp', 59, new Set(), randomInt)).toThrow(/only 58 of 59/);
    expect(drawLargeSize(() => 0)).toBeGreaterThan(1500);
  });
});

describe('fragments', () => {
  it('are cut as Linux cuts them', () => {
    // Seen on the wire: an echo of 3,000 bytes through a tunnel of 1440 became messages of 1472, 1472 and 240 bytes.
    const bytes = fragmentsOf(3028, 1440, 4).map(padded(16));
    expect(bytes.map((n) => n + 32)).toEqual([1472, 1472, 240]);
    expect(fragmentsOf(1440, 1440, 4)).toEqual([1440]);
    expect(fragmentsOf(1441, 1440, 4)).toEqual([1436, 25]);
    expect(fragmentsOf(2048, 1420, 6)).toEqual([1416, 688]);
  });
});

describe('a fingerprint', () => {
  it('is found among messages of others, and nothing else is as likely', () => {
    const expected = drawn();
    const messages = onWire([96, ...expected.sizes.flatMap((n) => [n, 1440, 64]), 128]);
    expect(seek(expected, messages)).toMatchObject({ found: true, rule: { name: 'WireGuard' }, chance: 0 });
  });

  it.each([
    ['WireGuard in VXLAN', WIREGUARD_RULES, (n: number) => padded(16)(n + 50)],
    ['ESP', ESP_RULES, (n: number) => padded(4)(n + 2)],
    ['ESP in VXLAN', ESP_RULES, (n: number) => padded(4)(n + 52)],
    ['plaintext in VXLAN', PLAINTEXT_RULES, (n: number) => n + 50],
  ])('is found by one rule for all messages: %s', (name, rules, carried) => {
    const expected = drawn();
    expect(seek(expected, onWire(expected.sizes.map(carried)), rules)).toMatchObject({ found: true, rule: { name } });
    const [first = 0, ...others] = expected.sizes;
    const mixed = onWire([first + 16, ...others.map(carried)]);
    expect(seek(expected, mixed, rules)).toMatchObject({ found: false, of: 6 });
  });

  it('is not found if a message lacks, is of another length, or comes too early', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.constantFrom('lacks', 'differs', 'is early'), (i, how) => {
        const expected = drawn();
        const sizes = [...expected.sizes];
        const [one = 0] = sizes.splice(i, 1);
        if (how === 'differs') sizes.splice(i, 0, one + 16 === expected.sizes[i + 1] ? one + 2000 : one + 1600);
        if (how === 'is early' && i > 0) sizes.unshift(one);
        expect(seek(expected, onWire(sizes)).found).toBe(false);
      }),
    );
  });

  it('is not found in messages that are further apart than it was sent', () => {
    const expected = { ...drawn(), spanMs: 4 };
    expect(seek(expected, onWire(expected.sizes)).found).toBe(false);
    expect(seek({ ...expected, spanMs: 5 }, onWire(expected.sizes)).found).toBe(true);
  });

  it('is found though its first messages are there twice, once too early', () => {
    const expected = { ...drawn(), spanMs: 10 };
    const [first = 0, second = 0] = expected.sizes;
    const messages = [...onWire([first, second]), ...onWire(expected.sizes, 500)];
    expect(seek(expected, messages)).toMatchObject({ found: true, at: [2, 3, 4, 5, 6, 7] });
  });

  it('with large packets is found as fragments, cut by each MTU or by the smallest alone', () => {
    const small = drawn();
    const expected = { ...small, sizes: [...small.sizes, 2208] };
    const twice = fragmentsOf(2208, 1450, 4).flatMap((n) => fragmentsOf(n, 1440, 4));
    const once = fragmentsOf(2208, 1440, 4);
    expect(twice).not.toEqual(once);
    for (const fragments of [twice, once]) {
      expect(seek(expected, onWire([...small.sizes, ...fragments].map(padded(16)))).found).toBe(true);
      expect(seek(expected, onWire([...small.sizes, ...fragments.slice(1)].map(padded(16)))).found).toBe(false);
    }
  });

  it('is found whole in one way, though in the other way as many of its messages seem to be there', () => {
    const small = drawn();
    const once = fragmentsOf(2464, 1440, 4);
    const twice = fragmentsOf(2464, 1450, 4).flatMap((n) => fragmentsOf(n, 1440, 4));
    const [first = 0, second = 0] = twice;
    const messages = onWire([...small.sizes, ...once, first, second].map(padded(16)));
    expect(seek({ ...small, sizes: [...small.sizes, 2464] }, messages).found).toBe(true);
  });

  it('that fills the tunnel is padded no further than its MTU', () => {
    const expected = { ...drawn(1), sizes: [2208], mtus: [1420], family: 4 as const };
    const bytes = fragmentsOf(2208, 1420, 4).map((n) => Math.min(padded(16)(n), Math.max(n, 1420)));
    expect(bytes[0]).toBe(1420);
    expect(seek(expected, onWire(bytes)).found).toBe(true);
  });

  it('is not mistaken for others of the same run, which do not make it more likely', () => {
    const taken = new Set<number>();
    const three = [drawn(6, taken), drawn(6, taken), drawn(6, taken)];
    const mixed = onWire(Array.from({ length: 6 }, (_, i) => three.map(({ sizes }) => sizes[i] ?? 0)).flat());
    const found = findFingerprints(three, mixed, WIREGUARD_RULES);
    expect(found).toMatchObject([0, 1, 2].map(() => ({ found: true, chance: 0 })));
  });
});

describe('the chance', () => {
  it('is the share of all sequences that are there in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 9 }), (values) => {
        let there = 0;
        for (const a of [0, 1, 2, 3]) {
          for (const b of [0, 1, 2, 3]) {
            for (const c of [0, 1, 2, 3]) {
              const at = values.indexOf(a);
              const next = at < 0 ? -1 : values.indexOf(b, at + 1);
              if (next >= 0 && values.indexOf(c, next + 1) >= 0) there += 1;
            }
          }
        }
        expect(chanceIn(values, 3, 4)).toBeCloseTo(there / 64, 12);
      }),
    );
  });

  it('is nothing amid bulk traffic, too large amid a flood of all lengths, and small for a longer sequence', () => {
    const flood = (count: number) => Array.from({ length: count }, (_, i) => 128 + ((i * 7919) % 71) * 16);
    const among = (expected: Expected, others: readonly number[]) => {
      const sought = seek(expected, onWire([...expected.sizes, ...others]));
      return sought.found ? sought.chance : undefined;
    };
    expect(among(drawn(), Array(1000).fill(1440))).toBe(0);
    expect(among(drawn(), flood(300))).toBeGreaterThan(CHANCE);
    expect(among(drawn(18), flood(60))).toBeLessThan(CHANCE);
  });

  it('does not count the answers to the own datagrams, each once', () => {
    const answers = [144, 256, 500, 548, 2000, 128, 300, 400].map((size) => refusalOf(size, 4));
    const expected = drawn();
    const chance = (others: readonly number[]) => {
      const messages = onWire([...expected.sizes, ...others.map(padded(16))]);
      const [sought] = findFingerprints([expected], messages, WIREGUARD_RULES, answers);
      return sought?.found ? sought.chance : 1;
    };
    expect(refusalOf(2000, 4)).toBe(576);
    expect(refusalOf(2000, 6)).toBe(1280);
    expect(chance(answers)).toBe(0);
    expect(chance([...answers, ...answers])).toBeGreaterThan(0);
  });

  it('counts only what is as close together as the sequence', () => {
    const others = (apart: number) =>
      Array.from({ length: 60 }, (_, i) => ({ time: 1000 + i * apart, bytes: 128 + ((i * 31) % 71) * 16 }));
    const chance = (apart: number) => {
      const expected = drawn();
      const sought = seek(expected, [...onWire(expected.sizes), ...others(apart)]);
      return sought.found ? sought.chance : 1;
    };
    expect(chance(50)).toBe(0);
    expect(chance(1)).toBeGreaterThan(CHANCE);
  });
});
