import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type AgentEncryption, readEncryption, statusLine } from '../../../src/cni/cilium/agent-status.ts';
import { type CiliumNodeObject, readCiliumNode } from '../../../src/cni/cilium/cilium-node.ts';
import { type CiliumStatusNode, expectedKeys, missing } from '../../../src/cni/cilium/convergence.ts';
import { rolloutOf, wantedEncryption } from '../../../src/cni/cilium/state.ts';

/** Output of agents of Cilium 1.20.2 and their API server, on a cluster of three nodes. */
const recorded = (file: string) => readFileSync(join(import.meta.dirname, 'recorded', file), 'utf8');
const nodesOf = (file: string) => (parse(recorded(file)).items as CiliumNodeObject[]).map(readCiliumNode);

describe('a CiliumNode of a real cluster', () => {
  test('is read with its addresses, key and boot id', () => {
    const [, worker] = nodesOf('ciliumnodes-wireguard.yaml');
    expect(worker).toMatchObject({
      name: 'cil-worker',
      address: '172.20.0.2',
      internalAddress: '10.244.1.173',
      podCidrs: ['10.244.1.0/24'],
      keyId: 255,
      publicKey: 'N8K/k9HOlWfHRWMZui2bVfyDO42umGDaslJqsdsRjCU=',
    });
    expect(worker?.bootId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('without encryption has neither key nor key id', () => {
    for (const node of nodesOf('ciliumnodes-off.yaml')) expect([node.keyId, node.publicKey]).toEqual([0, undefined]);
  });
});

describe('what a real agent prints', () => {
  test('is read from status, without peers', () => {
    const status = readEncryption(recorded('status-wireguard.json'));
    expect(status.mode).toBe('Wireguard');
    expect(status.wireguard).toMatchObject({ interface: 'cilium_wg0', port: 51871, peerCount: 2, peers: [] });
    expect(statusLine(status)).toBe(
      'Encryption: Wireguard [NodeEncryption: Disabled, cilium_wg0 (Pubkey: N8K/k9HOlWfHRWMZui2bVfyDO42umGDaslJqsdsRjCU=, Port: 51871, Peers: 2)]',
    );
  });

  test('is read from debuginfo, with peers and their handshakes', () => {
    const { mode, wireguard } = readEncryption(recorded('debuginfo-wireguard.json'));
    expect(mode).toBe('Wireguard');
    expect(wireguard?.peers).toHaveLength(2);
    expect(wireguard?.peers[0]).toEqual({
      publicKey: 'p9YecBPziAiiYj6E2lRzVz1cApcqR6uwoqh56w8Qs2c=',
      endpoint: '172.20.0.3:51871',
      allowedIps: ['172.20.0.3/32'],
      latestHandshake: Date.parse('2026-11-27T19:38:27Z') / 1000,
      rx: 5644,
      tx: 5540,
    });
  });

  test('says that encryption is off, and that a peer has never shaken hands', () => {
    expect(readEncryption('{"encryption":{"mode":"Disabled"}}')).toEqual({ mode: 'Disabled' });
    expect(statusLine({ mode: 'Disabled' })).toBe('Encryption: Disabled');
    const never = { 'public-key': 'k', 'last-handshake-time': '0001-01-01T00:00:00.000Z' };
    const text = JSON.stringify({ encryption: { wireguard: { interfaces: [{ peers: [never] }] } } });
    expect(readEncryption(text).wireguard?.peers[0]?.latestHandshake).toBe(0);
  });

  test('is refused if it is no JSON', () => {
    expect(() => readEncryption('Error: Cannot connect to the agent')).toThrow(SyntaxError);
  });
});

describe('encryption by WireGuard has converged', () => {
  const agents = () => {
    const nodes = nodesOf('ciliumnodes-wireguard.yaml');
    return nodes.map((node): CiliumStatusNode => {
      const peers = nodes
        .filter((other) => other !== node)
        .map((other) => ({
          publicKey: other.publicKey ?? '',
          endpoint: `${other.address}:51871`,
          allowedIps: [`${other.address}/32`],
          latestHandshake: 1,
          rx: 1,
          tx: 1,
        }));
      const device = {
        interface: 'cilium_wg0',
        port: 51871,
        publicKey: node.publicKey ?? '',
        nodeEncryption: 'Disabled',
      };
      const agent: AgentEncryption = { mode: 'Wireguard', wireguard: { ...device, peerCount: 2, peers } };
      return { ...node, agent };
    });
  };
  const on = { encryption: 'wireguard' as const };
  const waiting = (change: (node: CiliumStatusNode) => CiliumStatusNode) =>
    missing(
      on,
      agents().map((node) => (node.name === 'cil-worker' ? change(node) : node)),
      undefined,
    )[0];

  test('once every node publishes its key, knows all peers and has shaken hands', () => {
    expect(missing(on, agents(), undefined)).toEqual([]);
  });

  test('not before every agent has started again', () => {
    const rolling = {
      metadata: { generation: 7 },
      status: { desiredNumberScheduled: 3, observedGeneration: 7, updatedNumberScheduled: 2, numberReady: 3 },
    };
    expect(rolloutOf(rolling as never)).toBe('the agents to start again (2 of 3)');
    expect(missing(on, agents(), rolloutOf(rolling as never))).toEqual(['the agents to start again (2 of 3)']);
  });

  test('not while one thing is missing on one node, which is named', () => {
    expect(waiting((node) => ({ ...node, publicKey: undefined }))).toBe('cil-worker to publish its key');
    expect(waiting((node) => ({ ...node, keyId: 0 }))).toBe('cil-worker to publish that it encrypts');
    expect(waiting((node) => ({ ...node, agent: { mode: 'Disabled' } }))).toBe(
      'the agent on cil-worker to be Wireguard',
    );
    expect(waiting((node) => ({ ...node, problem: 'CrashLoopBackOff' }))).toBe(
      'the agent on cil-worker to answer (CrashLoopBackOff)',
    );
  });

  test('not while a node publishes another key than its device has', () => {
    const nodes = agents().map((node) => (node.name === 'cil-worker' ? { ...node, publicKey: 'another' } : node));
    expect(missing(on, nodes, undefined)).toContain('cil-worker to publish the key of its device');
  });

  test('without nodes never', () => {
    expect(missing(on, [], undefined)).toEqual(['a CiliumNode']);
  });
});

test('IPsec has converged once every node publishes the key that is wanted, and has all states', () => {
  const nodes = nodesOf('ciliumnodes-off.yaml').map((node) => ({
    ...node,
    keyId: 4,
    agent: {
      mode: 'IPsec' as const,
      ipsec: { keysInUse: 8, maxSequence: '0x1e3/0xffffffffffffffff', errors: 0, xfrmErrors: {} },
    },
  }));
  expect(expectedKeys(3)).toBe(8);
  expect(missing({ encryption: 'ipsec', keyId: 4 }, nodes, undefined)).toEqual([]);
  expect(missing({ encryption: 'ipsec', keyId: 5 }, nodes, undefined)[0]).toBe(
    'cil-control-plane to load key 5 (it has 4)',
  );
});

test('settings ask for one encryption, or for none', () => {
  expect(wantedEncryption({ 'enable-wireguard': 'true' })).toBe('wireguard');
  expect(wantedEncryption({ 'enable-ipsec': 'true', 'enable-wireguard': 'false' })).toBe('ipsec');
  expect(wantedEncryption({})).toBe('none');
});
