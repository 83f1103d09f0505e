import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEspKeys } from '../../../src/operations/explain-esp.ts';
import { readCaptureFile } from '../../../src/wire/capture-file.ts';
import { Chooser } from '../../../src/wire/explain/choose.ts';
import { explainFrame } from '../../../src/wire/explain/explain.ts';
import type { Knowledge } from '../../../src/wire/explain/explained.ts';
import type { Frame } from '../../../src/wire/packet.ts';

const NOTHING: Knowledge = { names: new Map(), keys: [], sessions: new Map() };
const PSK = 'da630c6acdbef2757ab7f5215b8b1811420e3f61';
const LINE = `3+ rfc4106(gcm(aes)) ${PSK} 128`;
const node = (name: string, ip: string) => `
- apiVersion: cilium.io/v2
  kind: CiliumNode
  metadata: {name: ${name}}
  spec: {bootid: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0, addresses: [{ip: ${ip}, type: InternalIP}]}`;
const SECRET = `apiVersion: v1\nkind: Secret\ndata: {keys: ${Buffer.from(LINE).toString('base64')}}\n`;
const NODES = `apiVersion: v1\nkind: List\nitems:${node('kind-worker', '172.18.0.3')}${node('kind-worker2', '172.18.0.4')}\n`;

let folder: string;
const frames: Frame[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wglab-esp-'));
  const file = join(import.meta.dirname, 'captures', 'esp-br0.pcap');
  for await (const batch of readCaptureFile(file)) frames.push(...batch);
});

afterAll(() => rm(folder, { recursive: true }));

async function fileWith(text: string): Promise<string> {
  const path = join(folder, 'secret');
  await writeFile(path, text);
  return path;
}

async function explained(text?: string) {
  const espKeys =
    text === undefined ? undefined : await readEspKeys([await fileWith(text)], [], new AbortController().signal);
  const chooser = new Chooser(undefined, espKeys);
  for (const frame of frames) chooser.look(frame);
  const { chosen } = chooser;
  if (!chosen) throw new Error('nothing was chosen');
  return { chosen, packet: explainFrame(chosen.frame, { ...NOTHING, ...(espKeys ? { espKeys } : {}) }) };
}

test('explain opens ESP with the Secret and the CiliumNodes, and chooses a packet in which pods talk', async () => {
  const { chosen, packet } = await explained(`${SECRET}---\n${NODES}`);
  expect(chosen.why).toContain('the Secret opens it, and pods talk in it');
  expect(packet.layers.at(-1)).toMatchObject({
    name: 'Encrypted',
    about: 'opens with key 3, derived for kind-worker → kind-worker2',
  });
  expect(packet.layers.at(-1)?.fields.map(({ name }) => name)).toEqual(['IV', 'encrypted data', 'ICV']);
  const inside = packet.inside?.packet;
  expect(inside?.layers.map(({ name }) => name)).toEqual([
    'IPv4',
    'UDP',
    'VXLAN',
    'Ethernet',
    'IPv4',
    'TCP',
    'Payload',
  ]);
  const [vni] = inside?.layers[2]?.fields.filter(({ name }) => name === 'network') ?? [];
  expect(vni).toMatchObject({
    value: 'VNI 3003',
    about: 'with Cilium the identity of the sender: the label set of a pod',
  });
  // Every byte of the inner packet belongs to exactly one field.
  const fields = inside?.layers.flatMap((layer) => layer.fields) ?? [];
  expect(fields.reduce((at, { offset, length }) => (offset === at ? at + length : Number.NaN), 0)).toBe(
    inside?.bytes.length,
  );
});

test('explain without a key opens nothing', async () => {
  const { packet } = await explained();
  expect(packet.inside).toBeUndefined();
  expect(packet.layers.at(-1)).toMatchObject({ name: 'Encrypted', about: '' });
});

test('explain says what it lacks: boot ids, the right key, a key of this id', async () => {
  const about = async (text: string) => (await explained(text)).packet.layers.at(-1)?.about;
  expect(await about(LINE)).toContain('their CiliumNodes must be known');
  expect(
    await about(`${SECRET.replace(/data.*/, `stringData: {keys: "${LINE.replace('da63', 'da64')}"}`)}---\n${NODES}`),
  ).toContain('opens with no key');
  expect(await about(LINE.replace('3+', '4+'))).toBe('the Secret has no key for this SPI');
});

test('a file that holds no Secret, or a wrong one, is named by line, without repeating a key', async () => {
  const failure = async (text: string) => {
    const error = await readEspKeys([await fileWith(text)], [], new AbortController().signal).catch(
      (error: Error) => error,
    );
    if (!(error instanceof Error)) throw new Error('no error');
    expect(error.message).not.toContain(PSK.slice(0, 8));
    return error.message.replace(folder, '');
  };
  expect(await failure(NODES)).toBe('no Secret is in /secret');
  expect(await failure('')).toBe('no Secret is in /secret');
  expect(await failure(LINE.replace('3+', '16'))).toContain(
    '/secret:1:1: failed to parse SPI: encryption key space exhausted',
  );
  expect(await failure(`kind: Secret\nstringData: {keys: 0 ${PSK} x}`)).toContain('keys, line 1: ');
  expect(await failure(`kind: Secret\n  x: "${PSK}`)).toContain('/secret:1:7: neither YAML, JSON');
});
