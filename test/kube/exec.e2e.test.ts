import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type ExecOptions, ExecRefusal, openExec } from '../../src/kube/exec.ts';
import { channelMessage, exitStatus } from '../../src/kube/remote-command.ts';
import {
  checksumOf,
  type ExecServer,
  randomInput,
  settled,
  startExecServer,
  until,
} from '../kube-api/streams/support.ts';

let server: ExecServer;
beforeAll(async () => {
  server = await startExecServer();
});
afterAll(() => server.close());

const open = (argv: readonly string[], options?: ExecOptions) =>
  openExec({ url: server.exec, headers: {}, tls: { ca: server.ca } }, argv, options);

test('the outputs stay apart, the input ends, the exit code comes', async () => {
  const process = await open(['sh', '-c', 'cat; echo err >&2; exit 7']);
  process.stdin.end('in');
  expect(await Promise.all([text(process.stdout), text(process.stderr), process.exited])).toEqual(['in', 'err\n', 7]);
});

test('without an input the command reads its end', async () => {
  const process = await open(['cat'], { stdin: false });
  expect(await Promise.all([text(process.stdout), process.exited])).toEqual(['', 0]);
});

test('50 MB go in and come back', async () => {
  const { stream, checksum } = randomInput(50);
  const process = await open(['cat']);
  const [, received] = await Promise.all([pipeline(stream(), process.stdin), checksumOf(process.stdout)]);
  expect(received).toBe(checksum);
  expect(await process.exited).toBe(0);
});

test('a reader who stops holds up the command, and may go on', async () => {
  const process = await open(['head', '-c', '100000000', '/dev/zero']);
  const started = server.started.at(-1);
  if (!started) throw new Error('not started');
  expect(await settled('output', started.taken)).toBeLessThan(24 * 1024 * 1024);
  let received = 0;
  for await (const chunk of process.stdout) received += (chunk as Buffer).length;
  expect(received).toBe(100_000_000);
  expect(await process.exited).toBe(0);
});

test('a command that does not read holds up the writer', async () => {
  const process = await open(['sleep', '1000']);
  const { stream } = randomInput(60);
  const source = stream();
  let written = 0;
  source.on('data', (chunk: Buffer) => {
    written += chunk.length;
  });
  source.pipe(process.stdin);
  expect(await settled('input', () => written)).toBeLessThan(24 * 1024 * 1024);
  process.kill();
  await until('killed', () => server.started.at(-1)?.killed() ?? false);
  await expect(process.exited).rejects.toThrow('killed');
});

test('a reader who leaves one output does not hold up the other', async () => {
  const process = await open(['sh', '-c', 'head -c 50000000 /dev/zero; echo done >&2']);
  const started = server.started.at(-1);
  await settled('output', () => started?.taken() ?? 0);
  process.stdout.destroy();
  expect(await Promise.all([text(process.stderr), process.exited])).toEqual(['done\n', 0]);
});

test('kill reaches the command, and the sizes of a terminal too', async () => {
  const process = await open(['sleep', '1000'], { tty: true });
  process.resize(80, 24);
  await until('size', () => server.started.at(-1)?.sizes.length === 1);
  expect(server.started.at(-1)?.sizes).toEqual([[80, 24]]);
  process.kill();
  await until('killed', () => server.started.at(-1)?.killed() ?? false);
  await expect(process.exited).rejects.toThrow('the command was killed before it ended');
});

test('a command that cannot be started', async () => {
  const process = await open(['/no/such/command']);
  await expect(process.exited).rejects.toThrow('Internal error occurred: spawn /no/such/command ENOENT');
});

test('what the server says when it refuses, and a server that is not there', async () => {
  const target = { url: server.exec.replace('/nc/', '/forbidden/'), headers: {}, tls: { ca: server.ca } };
  const refused = await openExec(target, ['true']).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ExecRefusal);
  expect(refused).toMatchObject({ code: 403, message: 'pods "x" is forbidden: no' });
  await expect(openExec({ ...target, tls: {} }, ['true'])).rejects.toThrow(
    /cannot reach the API server at 127.0.0.1:\d+: self.signed/,
  );
  await expect(openExec({ ...target, url: 'https://127.0.0.1:1/exec' }, ['true'])).rejects.toThrow('ECONNREFUSED');
});

describe('other servers', () => {
  test('the connection breaks before the command ended', async () => {
    const process = await served(['v5.channel.k8s.io'], (webSocket) => {
      webSocket.send(channelMessage(1, Buffer.from('half')), () => webSocket.terminate());
    });
    expect(await text(process.stdout)).toBe('half');
    await expect(process.exited).rejects.toThrow('the connection broke before the command ended');
  });

  test('an older server speaks v4, is not told the end of the input, and its status may overtake output', async () => {
    const received: string[] = [];
    const process = await served(['v4.channel.k8s.io'], (webSocket) => {
      webSocket.on('message', (data: Buffer) => {
        received.push(data.toString('hex'));
        if (data[1] !== 0x62) return;
        webSocket.send(channelMessage(3, Buffer.from(JSON.stringify(exitStatus(5)))));
        webSocket.send(channelMessage(1, Buffer.from('late')), () => webSocket.close(1000));
      });
    });
    process.stdin.write('a');
    process.stdin.end('b');
    expect(await Promise.all([text(process.stdout), process.exited])).toEqual(['late', 5]);
    expect(received).toEqual(['0061', '0062']);
  });

  test('a server that falls silent is noticed; one that is only quiet is not', async () => {
    const heartbeat = { periodMs: 20, misses: 4 };
    const quiet = await served(['v5.channel.k8s.io'], () => undefined, { heartbeat });
    let ended = false;
    const end = quiet.exited.catch(() => {
      ended = true;
    });
    const silent = await served(['v5.channel.k8s.io'], (webSocket) => webSocket.pause(), { heartbeat });
    await expect(silent.exited).rejects.toThrow('the server no longer answers');
    expect(ended).toBe(false);
    quiet.kill();
    await end;
  });

  test('a server that takes the connection and says nothing sensible', async () => {
    const tcp = createTcpServer((socket) => socket.on('error', () => undefined).end('nonsense\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(tcp, 'listening');
    const url = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}/exec`;
    await expect(openExec({ url, headers: {}, tls: {} }, ['true'])).rejects.toThrow('cannot reach the API server');
    tcp.close();
  });

  /** A process at a server of our own making; the server ends with the connection. */
  async function served(protocols: string[], behave: (webSocket: WebSocket) => void, options?: ExecOptions) {
    const http = createServer();
    const webSockets = new WebSocketServer({
      server: http,
      handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
    });
    webSockets.on('connection', (webSocket) => {
      webSocket.on('close', () => http.close());
      behave(webSocket);
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/exec`;
    return openExec({ url, headers: {}, tls: {} }, ['x'], options);
  }
});
