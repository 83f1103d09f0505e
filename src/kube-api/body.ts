import type { IncomingMessage } from 'node:http';
import { messageOf } from '../errors.ts';
import { decodeProtobuf, ProtobufError } from './protobuf/decode.ts';
import { isObject, type JsonObject } from './schema/json.ts';
import { ApiError, badRequest, unsupportedMediaType } from './status.ts';

/** As Kubernetes' API server: 3 MiB. */
const BODY_LIMIT = 3 * 1024 * 1024;

/** Reads the whole body of a request as text. Throws 413 where it is too large. */
export async function readBody(request: IncomingMessage): Promise<string> {
  return (await readBytes(request)).toString('utf8');
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_LIMIT) {
      const message = `Request entity too large: limit is ${BODY_LIMIT}`;
      throw new ApiError(413, 'RequestEntityTooLarge', message);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const OBJECT_TYPES = ['application/json', 'application/yaml', PROTOBUF];

/** Reads an object of a create or update. Throws 400 or 415. */
export async function readObject(request: IncomingMessage): Promise<{ text: string; object: JsonObject }> {
  const type = mediaType(request) || 'application/json';
  if (!OBJECT_TYPES.includes(type)) throw unsupportedMediaType(OBJECT_TYPES);
  if (type === PROTOBUF) return { text: '', object: parseProtobuf(await readBytes(request)) };
  return parseObject(await readBody(request), type === 'application/yaml');
}

/** Reads the options in the body of a delete; a body may be absent. Throws 400. */
export async function readOptions(request: IncomingMessage): Promise<JsonObject> {
  const body = await readBytes(request);
  if (body.length === 0) return {};
  return mediaType(request) === PROTOBUF
    ? parseProtobuf(body)
    : (await parseObject(body.toString('utf8'), false)).object;
}

function parseProtobuf(body: Buffer): JsonObject {
  try {
    return decodeProtobuf(body);
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof RangeError) throw badRequest(messageOf(error));
    throw error;
  }
}

/**
 * Parses JSON, or YAML where it may be; `text` is the JSON that it came from, empty for YAML (whose parser itself refuses
 * keys that come twice). Throws 400 unless it is an object.
 */
export async function parseObject(text: string, yaml: boolean): Promise<{ text: string; object: JsonObject }> {
  const json = parseJson(text);
  if ('error' in json && !yaml) throw badRequest(`error decoding JSON: ${json.error}`);
  const object = 'error' in json ? await parseYaml(text) : json.value;
  if (!isObject(object)) throw badRequest('the body of the request is not an object');
  return { text: 'error' in json ? '' : text, object };
}

function parseJson(text: string): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** Loaded only when needed: kubectl itself always sends JSON. */
async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${messageOf(error)}`);
  }
}
