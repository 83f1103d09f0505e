import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, ListenOptions, Server as NetServer } from 'node:net';
import type { Api, Call, Reply } from './context.ts';
import { discoveryDocument } from './discovery.ts';
import { serveUpgrade } from './exec.ts';
import { startGarbageCollector } from './garbage.ts';
import { OPENAPI_V2_PROTOBUF, openApiDocument } from './openapi.ts';
import { Remains } from './remains.ts';
import { findRoute } from './router.ts';
import { type PodRuntime, RuntimeRefusal } from './runtime.ts';
import { ApiError, badRequest, methodNotAllowed, unauthorized, unknownPath } from './status.ts';
import type { Store } from './store.ts';
import { readUrl } from './url.ts';

export interface ApiServerOptions {
  store: Store;
  runtime: PodRuntime;
  /** PEM texts. */
  tls: { key: string; cert: string };
  /** Every request but those for open routes must bring it as `Authorization: Bearer`. */
  token: string;
  /** As for `server.listen()`: a host and port, or a handle that is already bound. */
  listen: ListenOptions | NetServer | { fd: number };
  /** Logs errors that should not happen. */
  log?(message: string, error?: unknown): void;
}

export interface ApiServer {
  port: number;
  /** Ends every request, also watches and streams, and stops listening. */
  close(): Promise<void>;
}

const V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Serves the Kubernetes API of a lab over TLS until it is closed. Rejects where it cannot listen. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, runtime, tls, token } = options;
  const api: Api = { store, runtime, remains: new Remains(), log: (message, error) => options.log?.(message, error) };
  const authorized = tokenCheck(token);
  const server = createServer({ key: tls.key, cert: tls.cert, keepAliveTimeout: 90_000 });
  server.on('request', (request, response) => {
    response.on('error', () => request.destroy());
    serve(request, response, api, authorized).catch((error: unknown) => refuse(error, response, api));
  });
  server.on('upgrade', (request, socket, head) => serveUpgrade(request, socket, head, { api, authorized, refusalOf }));
  // Noise on the port (a client that speaks plain HTTP, a broken handshake) is no concern of the lab.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const stopCollecting = startGarbageCollector(store, api.log);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        stopCollecting();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Whether a request brings the token; the comparison takes the same time whatever is wrong. */
function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${token}`);
  return (request) => timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  api: Api,
  authorized: (request: IncomingMessage) => boolean,
): Promise<void> {
  const url = readUrl(request);
  const found = findRoute(url.pathname);
  if (!found?.route.open && !authorized(request)) throw unauthorized();
  if (!found) throw unknownPath();
  const { namespace, name } = found;
  const { serves } = found.route;
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  if (typeof serves === 'string') {
    if (method !== 'GET') throw methodNotAllowed();
    return sendDocument(serves, url.pathname, request, response);
  }
  const { resource, subresource, methods } = serves;
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!handler) throw methodNotAllowed();
  const query = url.searchParams;
  const call: Call = { resource, subresource, namespace, name, api, request, response, query, warnings: [] };
  const reply = await handler(call);
  if (reply) sendReply(call, reply);
}

function sendDocument(
  kind: 'health' | 'discovery' | 'openapi',
  pathname: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = `/${pathname.split('/').filter(Boolean).join('/')}`;
  const openApi = kind === 'openapi' ? openApiDocument(path) : undefined;
  const document = discoveryDocument(path, request.headers.accept ?? '');
  if (kind === 'health') sendText(response, 'text/plain', 'ok');
  else if (path === '/openapi/v2') sendText(response, V2_TYPE, OPENAPI_V2_PROTOBUF);
  else if (openApi) sendCached(request, response, openApi);
  else if (document) sendText(response, document.contentType, document.body);
  else throw unknownPath();
}

function sendReply(call: Call, { code, body }: Reply): void {
  const text = Buffer.from(JSON.stringify(body));
  const { response } = call;
  if (call.warnings.length > 0) response.setHeader('warning', call.warnings.map(warningHeader));
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': text.length,
    'cache-control': 'no-cache, private',
  });
  response.end(text);
}

/** 299: a warning that lasts, from nobody in particular (RFC 7234, section 5.5), as a header can carry it. */
function warningHeader(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return `299 - "${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function sendText(response: ServerResponse, contentType: string, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendCached(
  request: IncomingMessage,
  response: ServerResponse,
  document: { body: string; etag: string },
): void {
  response.setHeader('etag', `"${document.etag}"`);
  if (request.headers['if-none-match'] === `"${document.etag}"`) {
    response.writeHead(304).end();
    return;
  }
  sendText(response, 'application/json', document.body);
}

function refuse(error: unknown, response: ServerResponse, api: Api): void {
  const refusal = refusalOf(error, api);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = Buffer.from(JSON.stringify(refusal.toStatus()));
  const early = refusal.code === 413 || refusal.code === 401;
  response.writeHead(refusal.code, {
    'content-type': 'application/json',
    'content-length': text.length,
    // The rest of a body that nobody reads must not be taken for the next request.
    ...(early ? { connection: 'close' } : {}),
  });
  response.end(text);
}

/** Returns what a client may know of an error; what should not have happened goes to the log. */
function refusalOf(error: unknown, api: Api): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof RuntimeRefusal) return badRequest(error.message);
  api.log('a request failed in a way that it should not', error);
  return new ApiError(500, 'InternalError', 'Internal error occurred: see the log of the lab');
}
