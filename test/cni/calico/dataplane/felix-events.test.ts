import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { desiredState, emptyState } from '../../../../src/cni/calico/dataplane/felix.ts';
import { felixEvents } from '../../../../src/cni/calico/dataplane/felix-events.ts';
import { felixLine } from '../../../../src/cni/calico/felix/felix-log.ts';
import { clusters, key, labView } from './clusters.ts';

const NODE = 'wireguard-worker';
const off = desiredState(labView(), NODE);
const on = desiredState(labView({}, true), NODE);
const messages = (events: ReturnType<typeof felixEvents>) => events.map(({ message }) => message);

describe('what Felix tells', () => {
  it('of VXLAN and of a pod, on a fresh node', () => {
    expect(messages(felixEvents(emptyState(), off))).toEqual([
      'Created VXLAN device',
      'Configured workload interface',
      'Assigned address to VXLAN device',
    ]);
  });

  it('of WireGuard, with every peer, and what is in force last', () => {
    const events = felixEvents(off, on);
    expect(events.filter(({ message }) => message === 'Added WireGuard peer').map(({ fields }) => fields)).toEqual(
      [2, 4].map((number) => ({
        publicKey: key(number),
        endpoint: `172.18.0.${number}:51820`,
        allowedIPs: `192.168.${number}.64/26,192.168.${number}.64/32,192.168.${number}.65/32`,
      })),
    );
    expect(messages(events)[0]).toBe('Created WireGuard device');
    expect(events.at(-1)?.fields).toEqual({ rule: 'pref 99 not fwmark 0x200000/0x200000 lookup 1' });
  });

  it('of the same when it goes, the rule first', () => {
    expect(messages(felixEvents(on, off)).slice(0, 2)).toEqual(['Removed routing rule', 'Removed WireGuard device']);
  });

  it('of what it repairs: a device that was down, a peer that was cut', () => {
    const down = on.links.map((link) => (link.type === 'wireguard' ? { ...link, up: false } : link));
    expect(messages(felixEvents({ ...on, links: down }, on))).toEqual(['Set WireGuard device up']);
    const [device] = on.wireguard;
    const peers = device?.peers.map((peer, i) => (i === 0 ? { ...peer, allowedIPs: [] } : peer)) ?? [];
    const cut = device ? { ...on, wireguard: [{ ...device, peers }] } : on;
    expect(felixEvents(cut, on)).toMatchObject([{ message: 'Updated WireGuard peer', fields: { publicKey: key(2) } }]);
  });

  it('nothing where nothing was done, and always in one line', () => {
    fc.assert(
      fc.property(clusters, clusters, (before, after) => {
        const [a, b] = [desiredState(before, 'node-0'), desiredState(after, 'node-0')];
        expect(felixEvents(a, a)).toEqual([]);
        for (const event of felixEvents(a, b)) expect(felixLine(event, new Date())).not.toContain('\n');
      }),
    );
  });
});

it('a line has the shape of Felix', () => {
  const event = {
    level: 'ERROR',
    source: 'wireguard.go 873',
    message: 'No',
    fields: { error: 'a\n"b"', n: 1 },
  } as const;
  expect(felixLine(event, new Date('2026-01-31T12:00:00.123Z'))).toBe(
    `2026-01-31 12:00:00.123 [ERROR][${process.pid}] felix/wireguard.go 873: No error="a\\n\\"b\\"" n=1`,
  );
});
