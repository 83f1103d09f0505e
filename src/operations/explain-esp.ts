import { parseAllDocuments } from 'yaml';
import { CILIUM_API, type CiliumNodeObject, keyedNode, readCiliumNode } from '../cni/cilium/cilium-node.ts';
import { type IpsecKey, IpsecSecretError, parseIpsecSecret } from '../cni/cilium/keys/ipsec-secret.ts';
import { espKeyring, type KeyedNode } from '../cni/cilium/keys/keyring.ts';
import { messageOf, usageFailure } from '../errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import { readText } from '../state/byte-source.ts';
import type { EspKeys } from '../wire/esp-keys.ts';

/** A Secret with CiliumNodes for some thousand nodes. */
const MOST_BYTES = 16 * 1024 * 1024;

const REMEDY =
  'Take the Secret as kubectl prints it: kubectl -n kube-system get secret cilium-ipsec-keys -o yaml; CiliumNodes may follow after a line ---.';

interface SecretObject extends KubeObject {
  items?: KubeObject[];
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/**
 * The keys in files with Cilium's Secret, as YAML or JSON, or as its bare line, for the nodes that the files describe and those of
 * `nodes`. A file may hold CiliumNodes too. Throws a usage failure that names the file and its line.
 */
export async function readEspKeys(
  files: readonly string[],
  nodes: readonly KeyedNode[],
  signal: AbortSignal,
): Promise<EspKeys | undefined> {
  if (files.length === 0) return undefined;
  const read = await Promise.all(files.map((file) => readKeyFile(file, signal)));
  const keys = read.flatMap((file) => file.keys);
  if (keys.length === 0) throw usageFailure(`no Secret is in ${files.join(', ')}`, { remedy: REMEDY });
  return espKeyring(keys, [...nodes, ...read.flatMap((file) => file.nodes)]);
}

async function readKeyFile(file: string, signal: AbortSignal): Promise<{ keys: IpsecKey[]; nodes: KeyedNode[] }> {
  const text = await readText(file, MOST_BYTES, signal).catch((error) => {
    throw usageFailure(`--esp-secret: cannot read ${file}: ${messageOf(error)}`);
  });
  // The bare line has spaces between its fields, and no field of an object has.
  if (/^\S+ [^\s:]+ \S+/.test(text)) return { keys: [parse(file, text, 1)], nodes: [] };
  const objects = objectsOf(file, text);
  return {
    keys: objects.flatMap((object) => secretText(object).map((line) => parse(file, line))),
    nodes: objects
      .filter(({ apiVersion, kind }) => apiVersion === CILIUM_API && kind === 'CiliumNode')
      .map((object) => keyedNode(readCiliumNode(object as CiliumNodeObject))),
  };
}

function objectsOf(file: string, text: string): SecretObject[] {
  const documents = parseAllDocuments(text);
  return ('empty' in documents ? [] : documents).flatMap((document) => {
    const [error] = document.errors;
    if (error) {
      const { line = 1, col = 1 } = error.linePos?.[0] ?? {};
      // The parser quotes the file, and that is secret.
      throw usageFailure(`${file}:${line}:${col}: neither YAML, JSON nor the line of a Secret (${error.code})`, {
        remedy: REMEDY,
      });
    }
    const object: unknown = document.toJS();
    if (typeof object !== 'object' || object === null) return [];
    const { items } = object as SecretObject;
    return Array.isArray(items) ? (items as SecretObject[]) : [object as SecretObject];
  });
}

function secretText({ kind, data, stringData }: SecretObject): string[] {
  if (kind !== 'Secret') return [];
  if (typeof stringData?.keys === 'string') return [stringData.keys];
  return typeof data?.keys === 'string' ? [Buffer.from(data.keys, 'base64').toString('latin1')] : [];
}

function parse(file: string, text: string, firstLine?: number): IpsecKey {
  try {
    return parseIpsecSecret(text);
  } catch (error) {
    if (!(error instanceof IpsecSecretError)) throw error;
    const where = firstLine === undefined ? `${file}: keys, line ${error.line}` : `${file}:${error.line}:1`;
    throw usageFailure(`${where}: ${error.message}`, {
      remedy: 'The form is ID+ rfc4106(gcm(aes)) HEX 128, such as 3+ rfc4106(gcm(aes)) and 40 hexadecimal digits.',
    });
  }
}
