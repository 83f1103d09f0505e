import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ipam } from '../../../../src/cni/calico/controllers/ipam.ts';
import { holds } from '../../../../src/net/families.ts';
import { parseCidr } from '../../../../src/net/ipv4.ts';

describe('addresses', () => {
  test("the first of a node's block comes first, then one after another", () => {
    const ipam = new Ipam('192.168.0.0/16');
    const first = ipam.assign('worker', 'vxlan-tunnel-addr-worker');
    const [block = ''] = ipam.blocksOf('worker');
    expect(block).toBe(`${first}/26`);
    const { first: base } = parseCidr(block);
    const offsets = ['a', 'b', 'c'].map((handle) => parseCidr(`${ipam.assign('worker', handle)}/32`).first - base);
    expect(offsets).toEqual([1, 2, 3]);
  });

  test('a handle keeps its address on its node, and is refused on another', () => {
    const ipam = new Ipam('10.0.0.0/24', 28);
    expect(ipam.assign('a', 'default/pod')).toBe(ipam.assign('a', 'default/pod'));
    expect(() => ipam.assign('b', 'default/pod')).toThrow(/has the address .* on node a already/);
    expect(ipam.release('default/pod')).toBe(true);
    expect(ipam.release('default/pod')).toBe(false);
    const moved = ipam.assign('b', 'default/pod');
    expect(holds(ipam.blocksOf('b')[0] ?? '', moved)).toBe(true);
  });

  test('what was given back is used again last', () => {
    const ipam = new Ipam('10.0.0.0/30', 30);
    const addresses = ['a', 'b', 'c'].map((handle) => ipam.assign('n', handle));
    ipam.release('a');
    expect(ipam.assign('n', 'd')).toBe('10.0.0.3');
    expect(ipam.assign('n', 'e')).toBe(addresses[0]);
  });

  test('full blocks lead to a further block, then to a borrowed address, then to an error', () => {
    const ipam = new Ipam('10.0.0.0/28', 30);
    ipam.assign('b', 'b0');
    for (let index = 0; index < 12; index += 1) ipam.assign('a', `a${index}`);
    expect(ipam.blocksOf('a')).toHaveLength(3);
    expect(ipam.allocations().filter(({ borrowed }) => borrowed)).toEqual([]);
    const borrowed = ipam.assign('a', 'a12');
    expect(ipam.allocations().filter((each) => each.borrowed)).toMatchObject([
      { address: borrowed, node: 'a', block: ipam.blocksOf('b')[0] },
    ]);
    ipam.assign('a', 'a13');
    ipam.assign('a', 'a14');
    expect(() => ipam.assign('b', 'b1')).toThrow('no address is left in the pool 10.0.0.0/28');
  });
});

test('an IPv6 pool has blocks of 64 addresses, of which it has more than a number can count', () => {
  const ipam = new Ipam('fd00:10:244::/56', 122);
  const first = ipam.assign('worker', 'vxlan-v6-tunnel-addr-worker');
  const [block = ''] = ipam.blocksOf('worker');
  expect(block).toBe(`${first}/122`);
  expect(holds('fd00:10:244::/56', first)).toBe(true);
  for (let i = 1; i < 64; i++) expect(holds(block, ipam.assign('worker', `pod-${i}`))).toBe(true);
  expect(ipam.blocksOf('worker')).toHaveLength(1);
  expect(holds(block, ipam.assign('worker', 'one more'))).toBe(false);
  expect(new Set(ipam.allocations().map(({ address }) => address)).size).toBe(65);
});

describe('blocks', () => {
  test("a node's place depends on its name alone, and the usual names lie apart", () => {
    const names = ['control-plane', 'worker', 'worker2', 'worker3', 'worker4'];
    const claim = (order: readonly string[]) => {
      const ipam = new Ipam('192.168.0.0/16');
      for (const name of order) ipam.assign(name, name);
      return names.map((name) => ipam.blocksOf(name)[0] ?? '');
    };
    const blocks = claim(names);
    expect(claim([...names].reverse())).toEqual(blocks);
    const firsts = blocks.map((block) => parseCidr(block).first).sort((a, b) => a - b);
    for (const [index, first] of firsts.slice(1).entries()) expect(first - (firsts[index] ?? 0)).toBeGreaterThan(64);
  });

  test('a node that leaves gives its blocks back, but for those that others borrowed from', () => {
    const ipam = new Ipam('10.0.0.0/29', 30);
    let changes = 0;
    ipam.onBlocksChanged(() => {
      changes += 1;
    });
    ipam.assign('a', 'a0');
    for (const handle of ['b0', 'b1', 'b2', 'b3', 'b4']) ipam.assign('b', handle);
    expect(changes).toBe(2);
    ipam.releaseNode('a');
    expect(ipam.blocks()).toEqual([{ cidr: ipam.blocksOf('b')[0], node: 'b' }]);
    expect(() => ipam.assign('c', 'c0')).not.toThrow();
    ipam.releaseNode('b');
    ipam.releaseNode('c');
    expect(ipam.blocks()).toEqual([]);
    expect(ipam.allocations()).toEqual([]);
    for (let index = 0; index < 8; index += 1) ipam.assign('d', `d${index}`);
    expect(ipam.blocksOf('d')).toHaveLength(2);
  });

  test.each([
    ['192.168.0.0', 26, 'not a network'],
    ['192.168.0.1/16', 26, 'not a network'],
    ['fd00::/64', 26, 'not between 116 and 128'],
    ['192.168.0.0/27', 26, 'do not fit'],
    ['192.168.0.0/16', 33, 'not between 20 and 32'],
    ['192.168.0.0/16', 26.5, 'not between 20 and 32'],
  ])('the pool %s with blocks of /%s is refused', (pool, blockSize, message) => {
    expect(() => new Ipam(pool, blockSize)).toThrow(message);
  });

  test('the pool can change only while it is not in use', () => {
    const ipam = new Ipam();
    expect(() => ipam.assign('a', 'h')).toThrow('there is no IP pool yet');
    ipam.setPool('10.0.0.0/16');
    ipam.setPool('10.1.0.0/16');
    ipam.assign('a', 'h');
    ipam.setPool('10.1.0.0/16');
    expect(() => ipam.setPool('10.2.0.0/16')).toThrow('in use');
    expect(() => ipam.setPool('10.1.0.0/16', 27)).toThrow('in use');
  });
});

test('whatever happens: no address twice, all in their blocks, no blocks overlap, and full means full', () => {
  const node = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ op: fc.constant('assign' as const), node, id: fc.nat(40) }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('release' as const), node, id: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('leave' as const), node, id: fc.constant(0) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(28, 29, 30, 31, 32), (steps, blockSize) => {
      const ipam = new Ipam('10.9.0.0/28', blockSize);
      const model = new Map<string, { node: string; address: string }>();
      for (const { op, node: on, id } of steps) {
        const handle = `${on}/${id}`;
        if (op === 'release') expect(ipam.release(handle)).toBe(model.delete(handle));
        if (op === 'leave') {
          ipam.releaseNode(on);
          for (const [held, { node: owner }] of model) if (owner === on) model.delete(held);
        }
        if (op === 'assign') {
          const known = model.get(handle);
          if (model.size === 16 && !known) expect(() => ipam.assign(on, handle)).toThrow('no address is left');
          else {
            const address = ipam.assign(on, handle);
            if (known) expect(address).toBe(known.address);
            model.set(handle, { node: on, address });
          }
        }
        checkInvariants(ipam, model);
      }
    }),
    { numRuns: 300 },
  );
});

function checkInvariants(ipam: Ipam, model: ReadonlyMap<string, { node: string; address: string }>): void {
  const allocations = ipam.allocations();
  expect(new Map(allocations.map(({ handle, node, address }) => [handle, { node, address }]))).toEqual(model);
  expect(new Set(allocations.map(({ address }) => address)).size).toBe(allocations.length);
  for (const { address, block, borrowed, node } of allocations) {
    expect(holds(block, address) && holds('10.9.0.0/28', address)).toBe(true);
    expect(ipam.blocksOf(node).includes(block)).toBe(!borrowed);
  }
  const blocks = ipam.blocks().map(({ cidr }) => parseCidr(cidr));
  for (const [index, one] of blocks.entries()) {
    for (const other of blocks.slice(index + 1)) {
      expect(one.first + one.size <= other.first || other.first + other.size <= one.first).toBe(true);
    }
  }
}
