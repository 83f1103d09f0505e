import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Duplex, PassThrough, Readable } from 'node:stream';
import { serveExec } from '../../../src/kube-api/streams/serve-exec.ts';
import type { RemoteProcess } from '../../../src/process/remote-process.ts';

/** A real process behind the interface, and what happened to it. */
export interface Started extends RemoteProcess {
  readonly argv: readonly string[];
  readonly child: ChildProcess;
  readonly sizes: [columns: number, rows: number][];
  /** How many bytes of its output were taken from it. */
  readonly taken: () => number;
  readonly killed: () => boolean;
}

export function startChild(argv: readonly string[]): Started {
  const [command = 'true', ...args] = argv;
  const child = spawn(command, args, { stdio: 'pipe' });
  const sizes: [number, number][] = [];
  let taken = 0;
  let killed = false;
  const stdout = child.stdout.pipe(new PassThrough());
  stdout.on('close', () => child.stdout.destroy());
  child.stdout.on('data', (chunk: Buffer) => {
    taken += chunk.length;
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 128)));
  });
  exited.catch(() => undefined);
  return {
    argv,
    child,
    sizes,
    taken: () => taken,
    killed: () => killed,
    stdin: child.stdin,
    stdout,
    stderr: child.stderr,
    exited,
    resize: (columns, rows) => sizes.push([columns, rows]),
    kill() {
      killed = true;
      child.kill('SIGKILL');
    },
  };
}

export interface ExecServer {
  readonly url: string;
  readonly exec: string;
  readonly ca: string;
  readonly caFile: string;
  readonly started: Started[];
  /** The Upgrade headers of the requests for exec, in order. */
  readonly upgrades: string[];
  close(): Promise<void>;
}

/** As much of an API server as `kubectl exec` asks for; `start` gives the process of each command. */
export async function startExecServer(
  start: (argv: readonly string[]) => RemoteProcess = startChild,
): Promise<ExecServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'wglab-exec-'));
  const { key, cert, caFile } = selfSigned(folder);
  const started: Started[] = [];
  const upgrades: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer({ key, cert }, answer);
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    const { searchParams, pathname } = new URL(request.url ?? '', 'https://server');
    if (pathname.includes('/forbidden/')) {
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${status(403, 'Forbidden', 'pods "x" is forbidden: no')}`,
      );
      return;
    }
    upgrades.push(request.headers.upgrade ?? '');
    const asked = (name: string) => ['true', '1'].includes(searchParams.get(name) ?? '');
    const options = { stdin: asked('stdin'), stdout: asked('stdout'), stderr: asked('stderr'), tty: asked('tty') };
    serveExec(request, socket, head, options, () => {
      const process = start(searchParams.getAll('command'));
      if ('child' in process) started.push(process as Started);
      return process;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    exec: `${url}/api/v1/namespaces/nc/pods/x/exec`,
    ca: cert,
    caFile,
    started,
    upgrades,
    async close() {
      for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '', 'https://server');
  const bodies: Record<string, unknown> = {
    '/version': { major: '1', minor: '33', gitVersion: 'v1.33.1' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': {
      kind: 'APIResourceList',
      groupVersion: 'v1',
      resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] }],
    },
    '/api/v1/namespaces/nc/pods/x': {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'x', namespace: 'nc' },
      spec: { containers: [{ name: 'main', image: 'busybox', tty: true, stdin: true }] },
      status: { phase: 'Running' },
    },
  };
  const body = bodies[pathname];
  response.writeHead(body ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(body ? JSON.stringify(body) : status(404, 'NotFound', `${pathname} not found`));
}

function status(code: number, reason: string, message: string): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
}

function selfSigned(folder: string): { key: string; cert: string; caFile: string } {
  const [keyFile, caFile] = [path.join(folder, 'key.pem'), path.join(folder, 'ca.pem')];
  const subject = ['-subj', '/CN=wglab-test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', caFile];
  execFileSync('openssl', ['req', '-x509', ...pair, '-days', '2', ...subject], { stdio: 'pipe' });
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(caFile, 'utf8'), caFile };
}

const MEGABYTE = 1024 * 1024;

/** Random bytes, every megabyte different, with their checksum. */
export function randomInput(megabytes: number): { stream: () => Readable; checksum: string } {
  const seed = randomBytes(MEGABYTE);
  const block = (index: number) => {
    const bytes = Buffer.from(seed);
    bytes.writeUInt32BE(index);
    return bytes;
  };
  const hash = createHash('sha256');
  for (let index = 0; index < megabytes; index += 1) hash.update(block(index));
  const checksum = hash.digest('hex');
  const stream = () =>
    Readable.from(
      (function* () {
        for (let index = 0; index < megabytes; index += 1) yield block(index);
      })(),
      { objectMode: false },
    );
  return { stream, checksum };
}

export async function checksumOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Waits until something is so; fails after `bound` milliseconds. */
export async function until(what: string, holds: () => boolean, bound = 15_000): Promise<void> {
  const end = Date.now() + bound;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited ${bound} ms for: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** Waits until a number has stayed the same for half a second, and gives it. */
export async function settled(what: string, value: () => number): Promise<number> {
  let last = Number.NaN;
  let since = Date.now();
  await until(`${what} settles`, () => {
    if (value() !== last) {
      last = value();
      since = Date.now();
    }
    return last > 0 && Date.now() - since > 500;
  });
  return last;
}
