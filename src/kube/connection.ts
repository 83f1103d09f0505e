import { readFileSync } from 'node:fs';
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent, request as overHttps, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { lackingFailure, messageOf } from '../errors.ts';
import type { ExecTarget } from './exec.ts';

/** How long a server may say nothing in the middle of a request, in ms: kubectl itself would wait for ever. */
const SILENCE_MS = 30_000;

/** The server answered with an error; `message` is its own. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
  }
}

export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  query?: Record<string, string>;
  /** Text is sent as it is. */
  body?: object | string;
  /** The type of the body; JSON if not given. */
  contentType?: string;
}

export interface ClusterIdentity {
  name: string | null;
  server: string;
  /** In PEM; undefined if the kubeconfig leaves it to the system. */
  certificateAuthority: string | undefined;
}

/**
 * HTTP to a Kubernetes API server. client-node reads the kubeconfig and knows every way of authentication and every proxy; the
 * requests are made here, for its own client loads a megabyte of models (40 ms) and makes a TLS handshake a request.
 */
export class Connection {
  readonly server: string;
  readonly #config: KubeConfig;
  readonly #silenceMs: number;
  #agent: HttpAgent | undefined;

  private constructor(config: KubeConfig, server: string, silenceMs: number) {
    this.#config = config;
    this.#silenceMs = silenceMs;
    this.server = server.replace(/\/$/, '');
  }

  /** Reads a kubeconfig, with its current context or another. Throws Failure 4 if it is missing or names no cluster. */
  static open(kubeconfig: string, context?: string, silenceMs: number = SILENCE_MS): Connection {
    const config = new KubeConfig();
    try {
      config.loadFromFile(kubeconfig);
    } catch (error) {
      throw lackingFailure(`cannot read the kubeconfig ${kubeconfig}`, {
        cause: error,
        remedy: 'deploy the lab again',
      });
    }
    if (context) config.setCurrentContext(context);
    return Connection.#of(config, kubeconfig, silenceMs);
  }

  /** The same for the text of a kubeconfig that names no other files. */
  static ofText(text: string, silenceMs: number = SILENCE_MS): Connection {
    const config = new KubeConfig();
    try {
      config.loadFromString(text);
    } catch (error) {
      throw lackingFailure(`the kubeconfig cannot be understood: ${messageOf(error)}`, { cause: error });
    }
    return Connection.#of(config, 'the kubeconfig', silenceMs);
  }

  static #of(config: KubeConfig, from: string, silenceMs: number): Connection {
    const server = config.getCurrentCluster()?.server;
    if (!server) throw lackingFailure(`${from} has no cluster for context "${config.getCurrentContext()}"`);
    return new Connection(config, server, silenceMs);
  }

  /** The cluster's identity, as the kubeconfig states it. */
  get identity(): ClusterIdentity {
    const { name = null, caData, caFile } = this.#config.getCurrentCluster() ?? {};
    const pem = caData ? Buffer.from(caData, 'base64').toString() : readIfThere(caFile);
    return { name, server: this.server, certificateAuthority: pem };
  }

  /** Sends a request and returns the object in the answer. Throws ApiError if the server refuses, else the system's own error. */
  async ask<T>(path: string, request: ApiRequest = {}): Promise<T> {
    const response = await this.#send(path, request);
    return JSON.parse(await text(response)) as T;
  }

  /** Sends a GET request and returns the text of the answer: a log, say. Throws as `ask` does. */
  async text(path: string, query: Record<string, string>): Promise<string> {
    return text(await this.#send(path, { query }));
  }

  /** Calls `changed` when events of a watch come, until the server ends it, or `signal` does, which is no error. */
  async watch(path: string, changed: () => void, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#send(path, { query: { watch: 'true' } }, signal);
      for await (const _part of response) changed();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** How a command is started at an exec endpoint of this server. */
  async execTarget(path: string): Promise<ExecTarget> {
    const { headers, auth, agent } = await this.#options();
    return { url: `${this.server}${path}`, headers, ...(auth ? { auth } : {}), agent };
  }

  async #send(path: string, request: ApiRequest, signal?: AbortSignal): Promise<IncomingMessage> {
    const options = await this.#options();
    const url = new URL(`${this.server}${path}`);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const { method = 'GET', body, contentType = 'application/json' } = request;
    const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
    const content =
      body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    if (content) Object.assign(headers, { 'content-type': contentType, 'content-length': String(content.length) });
    // A watch has a signal, and says nothing for as long as nothing happens.
    const complete: RequestOptions = {
      ...options,
      method,
      headers,
      ...(signal ? { signal } : { timeout: this.#silenceMs }),
    };
    const send = () => exchange(url, complete, content);
    const response = await send().catch((error: unknown) => {
      // The server may close a kept connection just as it is used again; to read twice does no harm.
      if (method === 'GET' && error instanceof StaleConnection) return send();
      throw error;
    });
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    throw new ApiError(statusCode, serverWords(await text(response)));
  }

  /** Credentials are asked for again each time, for some of them expire; connections are kept. */
  async #options() {
    const options: RequestOptions = { headers: {} };
    await this.#config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
    this.#agent ??= keeping(options.agent);
    return { headers: options.headers as Record<string, string>, auth: options.auth, agent: this.#agent };
  }
}

/** client-node makes an agent that keeps nothing; one that goes through a proxy is left as it is. */
function keeping(made: RequestOptions['agent']): HttpAgent {
  if (made instanceof Agent && made.constructor === Agent) return new Agent({ ...made.options, keepAlive: true });
  return made instanceof HttpAgent && made.constructor !== HttpAgent ? made : new HttpAgent({ keepAlive: true });
}

/** The server says nothing more. */
class Silence extends Error {
  constructor(ms: number | undefined) {
    super(`the server said nothing for ${(ms ?? 0) / 1000} s`);
    this.name = 'Silence';
  }
}

/** A kept connection that was gone already. */
class StaleConnection extends Error {}

function exchange(url: URL, options: RequestOptions, content: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const begin = url.protocol === 'http:' ? overHttp : overHttps;
    const request: ClientRequest = begin(url, options, resolve);
    request.on('timeout', () => request.destroy(new Silence(options.timeout)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? Object.assign(new StaleConnection(messageOf(error)), { code: error.code }) : error);
    });
    request.end(content);
  });
}

/** Returns the message of a v1.Status, or the text that came instead of one: a proxy's page, say. */
function serverWords(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body || 'no reason given';
  }
}

function readIfThere(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
