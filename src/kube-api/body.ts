import type { IncomingMessage } from 'node:http';
import { messageOf } from '../errors.ts';
import { JsonError, parseJsonText } from './json-text.ts';
import { decodeProtobuf, ProtobufError } from './protobuf/decode.ts';
import { isObject, type JsonObject } from './schema/json.ts';
import { ApiError, badRequest, unsupportedMediaType } from './status.ts';

/** As Kubernetes' API server: 3 MiB. */
export const BODY_LIMIT = 3 * 1024 * 1024;

/** Reads the whole body of a request as text. Throws 413 if it is too large. */
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

/** Reads the object of a create or update; `kind` is what it should be. Throws 400 or 415. */
export async function readObject(
  request: IncomingMessage,
  kind: string,
): Promise<{ text: string; object: JsonObject }> {
  const type = mediaType(request) || 'application/json';
  if (!OBJECT_TYPES.includes(type)) throw unsupportedMediaType(OBJECT_TYPES);
  if (type === PROTOBUF) return { text: '', object: parseProtobuf(await readBytes(request)) };
  return parseObject(await readBody(request), kind, type === 'application/yaml');
}

/** Reads the options in the body of a delete; a body may be absent. Throws 400. */
export async function readOptions(request: IncomingMessage): Promise<JsonObject> {
  const body = await readBytes(request);
  if (body.length === 0) return {};
  const type = mediaType(request);
  if (type === PROTOBUF) return parseProtobuf(body);
  return (await parseObject(body.toString('utf8'), 'DeleteOptions', type === 'application/yaml')).object;
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
 * Parses JSON, or YAML if `yaml` is set. Returns the object and the JSON text that it came from, which is empty for YAML,
 * whose parser itself refuses keys that come twice. Throws 400 unless it is an object.
 */
export async function parseObject(
  text: string,
  kind: string,
  yaml: boolean,
): Promise<{ text: string; object: JsonObject }> {
  const { value, json } = await parse(text, yaml).catch((error) => {
    if (error instanceof JsonError) throw unrecognized(error.message, kind, text);
    throw error;
  });
  if (!isObject(value)) throw unrecognized('the body of the request is not an object', kind, text);
  return { text: json, object: value };
}

/** Every JSON text is YAML too, and kubectl sends JSON whatever it calls it: the faster parser tries first. */
async function parse(text: string, yaml: boolean): Promise<{ value: unknown; json: string }> {
  try {
    return { value: parseJsonText(text), json: text };
  } catch (error) {
    if (!yaml || !(error instanceof JsonError) || !error.malformed) throw error;
  }
  const { yamlToJson } = await import('./yaml-text.ts');
  return { value: parseJsonText(yamlToJson(text, BODY_LIMIT)), json: '' };
}

/** Kubernetes' words for a body of which it cannot say what it is, with the beginning of the body. */
function unrecognized(why: string, kind: string, text: string): ApiError {
  const bytes = Buffer.from(text);
  const shown = text.startsWith('{') ? text.slice(0, 30) : bytes.subarray(0, 30).toString('hex');
  const summary = bytes.length === 0 ? '<empty>' : bytes.length > 30 ? `${shown} ...` : shown;
  const message = `couldn't get version/kind; json parse error: ${why} (${summary})`;
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${message}`);
}
