import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseContext } from '../../src/engine/kubernetes/kubeconfig.ts';
import { Failure } from '../../src/errors.ts';
import { JsonError, parseJsonText } from '../../src/kube-api/json-text.ts';
import { decodeProtobuf, ProtobufError } from '../../src/kube-api/protobuf/decode.ts';
import { yamlToJson } from '../../src/kube-api/yaml-text.ts';
import { onlyDocument, parseDocuments } from '../../src/lab/document.ts';
import { labDefinitionOf } from '../../src/lab/lab-definition.ts';
import { parseLabText } from '../../src/lab/lab-text.ts';
import { manifestsOf } from '../../src/lab/manifests.ts';
import { topologyOf } from '../../src/lab/topology.ts';
import { parseRecord } from '../../src/proof/record.ts';
import { readCaptureFile } from '../../src/wire/capture-file.ts';
import { CaptureError } from '../../src/wire/capture-format.ts';
import { decodeFrame } from '../../src/wire/decode.ts';
import { makeRun } from '../proof/run.ts';
import { ethernet, inGeneve, inVxlan, ipv4, ipv6, pcap, tcp, udp } from '../wire/packet-builder.ts';

/** Something that reads what strangers wrote. */
export interface Target {
  name: string;
  seeds: Buffer[];
  /** Reads it. What it throws must be a refusal, or it is a bug. */
  read(input: Buffer, folder: string): Promise<void> | void;
}

/** Returns whether an error is one that a reader explains to a person, and no bug. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof Failure) return error.exitCode !== 5;
  if (error instanceof CaptureError || error instanceof JsonError || error instanceof ProtobufError) return true;
  return error instanceof RangeError && error.message.startsWith('protobuf:');
}

const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: a
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority: ca.crt}}]
users: [{name: u, user: {token: t, client-key: key.pem}}]
contexts: [{name: a, context: {cluster: c, user: u}}]
`;
const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { a: 'b' } }, spec: { containers: [] } };

const text = (input: Buffer) => input.toString('utf8');
const filesIn = (folder: string, pattern: RegExp) =>
  readdirSync(folder)
    .filter((file) => pattern.test(file))
    .map((file) => readFileSync(join(folder, file)));

export function allTargets(): Target[] {
  const records = [makeRun(), makeRun({ nodes: 2, expect: null })].map(({ record }) =>
    Buffer.from(JSON.stringify(record)),
  );
  return [
    { name: 'captures', seeds: captures(), read: readCapture },
    { name: 'records', seeds: records, read: (input) => void parseRecord(text(input)) },
    { name: 'labs', seeds: filesIn('labs', /\.md$/), read: readLab },
    { name: 'topologies', seeds: filesIn('topologies', /\.ya?ml$/), read: readTopology },
    { name: 'manifests', seeds: filesIn('manifests', /\.ya?ml$/), read: readManifest },
    { name: 'kubeconfigs', seeds: [Buffer.from(KUBECONFIG)], read: readKubeconfig },
    {
      name: 'JSON bodies',
      seeds: [Buffer.from(JSON.stringify(POD))],
      read: (input) => void parseJsonText(text(input)),
    },
    {
      name: 'YAML bodies',
      seeds: filesIn('manifests', /\.ya?ml$/),
      read: (input) => void yamlToJson(text(input), 1 << 20),
    },
    {
      name: 'protobuf bodies',
      seeds: [Buffer.from('k8s\0\n\x09\n\x02v1\x12\x03Pod\x12\x05\n\x03\n\x01p')],
      read: (input) => void decodeProtobuf(input),
    },
  ];
}

async function readCapture(input: Buffer, folder: string): Promise<void> {
  const file = join(folder, 'capture');
  writeFileSync(file, input);
  for await (const frames of readCaptureFile(file)) for (const frame of frames) decodeFrame(frame);
}

function readLab(input: Buffer): void {
  parseLabText(text(input), 'lab.md');
  const [, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(text(input)) ?? [];
  labDefinitionOf(onlyDocument(parseDocuments(front, 'lab.md'), 'lab.md'));
}

function readTopology(input: Buffer): void {
  topologyOf(onlyDocument(parseDocuments(text(input), 'topology.yml'), 'topology.yml'));
}

function readManifest(input: Buffer): void {
  manifestsOf(parseDocuments(text(input), 'manifest.yaml'));
}

async function readKubeconfig(input: Buffer, folder: string): Promise<void> {
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, input);
  await chooseContext([file], undefined);
}

function captures(): Buffer[] {
  const segment = ipv4(tcp('GET / HTTP/1.1\r\nhost: a\r\n\r\n'));
  const datagram = ipv6(udp('a question of DNS'));
  const frames = [
    ethernet(segment),
    ethernet(datagram),
    ethernet(inVxlan(ethernet(segment))),
    ethernet(inGeneve(ethernet(segment))),
  ];
  return [Buffer.from(pcap(frames)), Buffer.from(pcap(frames.slice(0, 1)))];
}
