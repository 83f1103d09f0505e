import { type Agent, type IncomingMessage, STATUS_CODES } from 'node:http';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import { type RawData, WebSocket } from 'ws';
import { messageOf } from '../errors.ts';
import type { RemoteProcess } from '../process/remote-process.ts';
import { startHeartbeat } from './heartbeat.ts';
import { sharedInlets } from './inlets.ts';
import { Channel, channelMessage, exitCodeOf, PROTOCOL_V4, PROTOCOL_V5, parseStatus } from './remote-command.ts';

/** The place where a command is to run, and how to get there. */
export interface ExecTarget {
  /** The exec subresource, such as https://127.0.0.1:6443/api/v1/namespaces/nc/pods/x/exec. */
  url: string;
  headers: Record<string, string>;
  /** For a connection of its own, if there is no agent. */
  tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;
  /** Makes the connection: one that it kept is taken over, a TLS session that it remembers is resumed, its proxy is used. */
  agent?: Agent;
  /** `user:password`, for basic authentication. */
  auth?: string;
}

export interface ExecOptions {
  /** True if the command gets a terminal; standard error then comes out of `stdout`. */
  tty?: boolean;
  /** The pod's default container where undefined. */
  container?: string;
  /** True if the command gets an input (the default); with false it reads the end of its input at once. */
  stdin?: boolean;
  /** How often a sign of life is asked for, and how many may fail to come before the connection counts as dead. */
  heartbeat?: { periodMs: number; misses: number };
}

/** How long the server may take to answer. */
const HANDSHAKE_TIMEOUT_MS = 30_000;
/** The patience of kubectl: a ping every five seconds, a minute without an answer (client-go, remotecommand/websocket.go). */
const HEARTBEAT = { periodMs: 5_000, misses: 12 };
/** One message of standard input; servers read them whole. */
const LARGEST_INPUT = 64 * 1024;

/** The API server answered, but will not run the command: `message` is the server's own. */
export class ExecRefusal extends Error {
  /** The HTTP status. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'ExecRefusal';
    this.code = code;
  }
}

/**
 * Starts a command in a pod, over WebSocket, and returns it as soon as the server has accepted it. Rejects with ExecRefusal
 * if the server refuses, with another Error if it cannot be reached.
 *
 * Both outputs share the connection: one that is not read holds up the other, and the exit status, once its buffer is
 * full. `exited` rejects when the command could not be run or when the connection broke; the outputs then just end.
 * The end of `stdin` reaches the command by v5.channel.k8s.io (Kubernetes 1.30 and later); with an older server, which
 * speaks v4, it cannot be sent, and a command that waits for it waits until `kill`. A command that leaves its input
 * unread for a minute while more is written counts as a dead connection if the server then reads no pings either.
 */
export function openExec(
  target: ExecTarget,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<RemoteProcess> {
  const webSocket = new WebSocket(execUrl(target.url, argv, options), [PROTOCOL_V5, PROTOCOL_V4], {
    ...target.tls,
    ...(target.agent ? { agent: target.agent } : {}),
    ...(target.auth ? { auth: target.auth } : {}),
    headers: target.headers,
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  // At once, as the first messages may come together with the answer.
  const remote = remoteProcess(webSocket, options);
  return new Promise((resolve, reject) => {
    webSocket.once('open', () => resolve(remote));
    webSocket.once('unexpected-response', (request, response) => {
      void refusalOf(response).then((refusal) => {
        request.destroy();
        reject(refusal);
      });
    });
    webSocket.once('error', (error) => {
      reject(
        new Error(`cannot reach the API server at ${new URL(target.url).host}: ${error.message}`, { cause: error }),
      );
    });
  });
}

function execUrl(url: string, argv: readonly string[], options: ExecOptions): URL {
  const full = new URL(url);
  full.protocol = full.protocol.replace('http', 'ws');
  for (const word of argv) full.searchParams.append('command', word);
  if (options.container !== undefined) full.searchParams.set('container', options.container);
  const tty = options.tty ?? false;
  const streams = { stdin: options.stdin ?? true, stdout: true, stderr: !tty, tty };
  for (const [name, wanted] of Object.entries(streams)) full.searchParams.set(name, String(wanted));
  return full;
}

function remoteProcess(webSocket: WebSocket, options: ExecOptions): RemoteProcess {
  const heartbeat = startHeartbeat(webSocket, options.heartbeat ?? HEARTBEAT);
  const newInlet = sharedInlets(
    () => webSocket.pause(),
    () => webSocket.resume(),
  );
  const stdout = newInlet();
  const stderr = newInlet();
  const stdin = options.stdin === false ? closedInput() : inputOf(webSocket);
  let status = '';
  let killed = false;

  webSocket.on('message', (data) => {
    const message = bytesOf(data);
    const content = message.subarray(1);
    if (message[0] === Channel.stdout) stdout.feed(content);
    else if (message[0] === Channel.stderr) stderr.feed(content);
    else if (message[0] === Channel.error) status += content.toString();
  });
  const broken = new Promise<Error>((settle) => {
    webSocket.on('error', settle);
    webSocket.once('close', (code) => settle(new Error(`closed with code ${code}`)));
  });
  // The status may overtake output on its way through the API server: what counts is the end of the connection.
  const closed = new Promise<void>((settle) => webSocket.once('close', () => settle()));
  const exited = closed.then(async () => {
    stdout.end();
    stderr.end();
    stdin.destroy();
    if (status !== '') return exitCodeOf(status);
    if (killed) throw new Error('the command was killed before it ended');
    if (heartbeat.dead) throw new Error('the connection to the command is dead: the server no longer answers');
    throw new Error(`the connection broke before the command ended: ${messageOf(await broken)}`);
  });
  // A caller that kills a command need not ask how it ended.
  exited.catch(() => undefined);

  return {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    exited,
    resize(columns, rows) {
      if (!options.tty || webSocket.readyState !== WebSocket.OPEN) return;
      webSocket.send(channelMessage(Channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))));
    },
    kill() {
      killed = true;
      webSocket.terminate();
    },
  };
}

/** Takes more only when the last was handed to the system, so that a command that does not read holds up its writer. */
function inputOf(webSocket: WebSocket): Writable {
  const stdin: Writable = new Writable({
    highWaterMark: LARGEST_INPUT,
    write(chunk: Buffer, _encoding, done) {
      const pieces = Math.ceil(chunk.length / LARGEST_INPUT);
      if (pieces === 0) return done(); // `end('')` writes nothing, and there is nothing to wait for
      // A connection that is gone shows in `exited`; input that nobody can take any more is no error of its own.
      const sent = (error?: Error) => {
        if (error) stdin.destroy();
        done();
      };
      for (let piece = 0; piece < pieces; piece += 1) {
        const content = chunk.subarray(piece * LARGEST_INPUT, (piece + 1) * LARGEST_INPUT);
        webSocket.send(channelMessage(Channel.stdin, content), piece === pieces - 1 ? sent : undefined);
      }
    },
    final(done) {
      if (webSocket.protocol !== PROTOCOL_V5) return done();
      webSocket.send(channelMessage(Channel.close, Uint8Array.of(Channel.stdin)), () => done());
    },
  });
  return stdin;
}

function closedInput(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(new Error('the command was started without an input')),
  });
}

/** Returns the message of the v1.Status in a refusal, or of the text that came instead of one. */
async function refusalOf(response: IncomingMessage): Promise<ExecRefusal> {
  const code = response.statusCode ?? 0;
  const body = await text(response).catch((error: unknown) => messageOf(error));
  const message = parseStatus(body)?.message || `${code} ${STATUS_CODES[code] ?? ''}: ${body.slice(0, 500).trim()}`;
  return new ExecRefusal(code, message);
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
