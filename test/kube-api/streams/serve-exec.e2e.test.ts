import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Frame, frameReader, frameWriter } from '../../../src/kube-api/streams/spdy/frames.ts';
import { type ExecServer, settled, startExecServer, until } from './support.ts';

/** A ping of SPDY/9. */
const WRONG_VERSION = Buffer.from([0x80, 9, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);

let server: ExecServer;
beforeAll(async () => {
  server = await startExecServer();
});
afterAll(() => server.close());

describe('SPDY', () => {
  test.each([
    ['v4.channel.k8s.io', '{"metadata":{},"status":"Failure"'],
    ['v3.channel.k8s.io', 'command terminated with exit code 3'],
    ['v2.channel.k8s.io', 'command terminated with exit code 3'],
    ['channel.k8s.io', 'command terminated with exit code 3'],
  ])('%s tells the end in its own way, behind all output', async (protocol, text) => {
    const client = await spdyClient(protocol, ['sh', '-c', 'echo out; exit 3'], 'stdout=1');
    client.open('error', 'stdout');
    const frames = await client.closed();
    expect(client.answer).toMatch(`X-Stream-Protocol-Version: ${protocol}`);
    expect(textOf(frames, 3)).toBe('out\n');
    expect(textOf(frames, 1)).toMatch(text);
    const [end, status] = [3, 1].map((id) =>
      frames.findIndex((frame) => frame.type === 'data' && frame.streamId === id && frame.fin),
    );
    expect(end).toBeGreaterThan(-1);
    expect(end).toBeLessThan(status ?? -1);
    expect(frames.at(-1)).toMatchObject({ type: 'goaway', status: 0 });
  });

  test('a ping of the client is answered, settings and windows are passed over, a strange stream is refused', async () => {
    const client = await spdyClient('v4.channel.k8s.io', ['sh', '-c', 'read line; exit "$line"'], 'stdin=1');
    client.open('error');
    client.send({ type: 'settings', settings: [{ flags: 0, id: 7, value: 1 }] });
    client.send({ type: 'window-update', streamId: 1, delta: 4096 });
    client.send({ type: 'ping', id: 7 });
    client.send({ type: 'syn-stream', streamId: 21, headers: new Map([['streamtype', 'other']]), fin: false });
    client.send({ type: 'syn-stream', streamId: 19, headers: new Map([['streamtype', 'stdin']]), fin: false });
    client.send({ type: 'syn-stream', streamId: 23, headers: new Map([['streamtype', 'stdin']]), fin: false });
    client.send({ type: 'data', streamId: 23, data: Buffer.from('9\n'), fin: true });
    const frames = await client.closed();
    expect(frames).toContainEqual({ type: 'ping', id: 7 });
    expect(frames).toContainEqual({ type: 'rst-stream', streamId: 21, status: 3 });
    expect(frames).toContainEqual({ type: 'rst-stream', streamId: 19, status: 1 });
    expect(textOf(frames, 1)).toMatch('exit code 9');
  });

  test('a client that leaves with GOAWAY, or half-closes, takes its command with it', async () => {
    for (const leave of [
      (client: SpdyClient) => client.send({ type: 'goaway', lastStreamId: 0, status: 0 }),
      (client: SpdyClient) => client.socket.end(),
    ]) {
      const client = await spdyClient('v4.channel.k8s.io', ['sleep', '1000'], 'stdout=1');
      const before = server.started.length;
      client.open('error', 'stdout');
      await until('started', () => server.started.length > before);
      leave(client);
      await until('killed', () => server.started.at(-1)?.killed() ?? false);
      await client.closed();
    }
  });

  test('a client that still sends when the command has ended gets all of its output', async () => {
    const command = ['sh', '-c', 'head -c 100000 /dev/zero; exit 6'];
    const client = await spdyClient('v4.channel.k8s.io', command, 'stdin=1&stdout=1');
    const before = server.started.length;
    client.socket.pause();
    client.open('error', 'stdin', 'stdout');
    for (let count = 0; count < 300; count += 1) {
      client.send({ type: 'data', streamId: 3, data: Buffer.alloc(64 * 1024), fin: false });
    }
    await until('ended', () => server.started[before]?.child.exitCode === 6);
    await settled('input', () => client.socket.bytesWritten - client.socket.writableLength);
    client.socket.resume();
    const frames = await client.closed();
    expect(textOf(frames, 5).length).toBe(100_000);
    expect(textOf(frames, 1)).toMatch('exit code 6');
  });

  test('breaking the protocol closes the connection and kills the command', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (noise) => {
        const client = await spdyClient('v4.channel.k8s.io', ['sleep', '1000'], 'stdout=1');
        const before = server.started.length;
        client.open('error', 'stdout');
        await until('started', () => server.started.length > before);
        // Bytes of any kind, then a frame of a version that there is not, often enough to be read as one.
        client.socket.write(noise);
        client.socket.write(Buffer.concat(Array.from({ length: 8 }, () => Buffer.from([0xff]))));
        client.socket.end();
        await client.closed();
        await until('killed', () => server.started.at(-1)?.killed() ?? false);
      }),
      { numRuns: 20 },
    );
    const client = await spdyClient('v4.channel.k8s.io', ['true'], 'stdout=1');
    client.socket.write(WRONG_VERSION);
    expect(await client.closed()).toEqual([{ type: 'goaway', lastStreamId: 0, status: 1 }]);
  });

  test('breaking the protocol kills the command even if the client reads nothing', async () => {
    const client = await spdyClient('v4.channel.k8s.io', ['cat', '/dev/zero'], 'stdout=1');
    const before = server.started.length;
    client.socket.pause();
    client.open('error', 'stdout');
    await until('started', () => server.started.length > before);
    await settled('output', () => server.started[before]?.taken() ?? 0);
    client.socket.write(WRONG_VERSION);
    await until('killed', () => server.started[before]?.killed() ?? false);
    client.socket.destroy();
  });

  test('refusals are HTTP answers with a Status', async () => {
    expect(await refusal('SPDY/3.1', 'X-Stream-Protocol-Version: v9.channel.k8s.io')).toMatch(
      /^HTTP\/1.1 403 Forbidden\r\n.*X-Accepted-Stream-Protocol-Versions: v4.channel.k8s.io\r\n.*unable to negotiate protocol/s,
    );
    expect(await refusal('SPDY/3.1')).toMatch(/^HTTP\/1.1 400 .*X-Stream-Protocol-Version is required/s);
    expect(await refusal('h2c')).toMatch(/^HTTP\/1.1 400 .*"kind":"Status".*Upgrade request required/s);
    expect(await refusal('websocket', 'Sec-WebSocket-Protocol: base64.channel.k8s.io')).toMatch(
      /^HTTP\/1.1 403 .*not supported/s,
    );
  });
});

describe('WebSocket', () => {
  test('what breaks the protocol closes the connection and kills the command; what is only odd is passed over', async () => {
    const before = server.started.length;
    const webSocket = webSocketTo(['sleep', '1000'], 'v5.channel.k8s.io');
    await once(webSocket, 'open');
    await until('started', () => server.started.length > before);
    const odd = [[], [0], [4], [4, 0x7b, 0x7d], [4, 0xff], [5, 1], [99], [255], [255, 0], [255, 9], [0, 1]];
    for (const message of odd) webSocket.send(Uint8Array.from(message));
    webSocket.send('text');
    webSocket.ping();
    await once(webSocket, 'pong');
    expect(server.started.at(-1)?.killed()).toBe(false);
    const { _socket } = webSocket as unknown as { _socket: TLSSocket };
    _socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await once(webSocket, 'close');
    await until('killed', () => server.started.at(-1)?.killed() ?? false);
  });

  test('a client whose input is not taken still gets signs of life', async () => {
    const before = server.started.length;
    const webSocket = webSocketTo(['sleep', '1000'], 'v5.channel.k8s.io');
    await once(webSocket, 'open');
    await until('started', () => server.started.length > before);
    for (let message = 0; message < 400; message += 1) webSocket.send(Buffer.alloc(64 * 1024));
    webSocket.ping('behind all of that');
    const [data] = await once(webSocket, 'pong');
    expect(String(data)).toBe('');
    webSocket.terminate();
    await until('killed', () => server.started.at(-1)?.killed() ?? false);
  });
});

function webSocketTo(argv: readonly string[], protocol: string): WebSocket {
  const url = `${server.exec.replace('https', 'wss')}?stdin=true&stdout=true&${query(argv)}`;
  const webSocket = new WebSocket(url, [protocol], { ca: server.ca });
  webSocket.on('error', () => undefined);
  return webSocket;
}

function query(argv: readonly string[]): string {
  return argv.map((word) => `command=${encodeURIComponent(word)}`).join('&');
}

interface SpdyClient {
  socket: TLSSocket;
  answer: string;
  open(...types: string[]): void;
  send(frame: Frame): void;
  /** All frames of the server, once the connection is closed. */
  closed(): Promise<Frame[]>;
}

async function spdyClient(protocol: string, argv: readonly string[], streams: string): Promise<SpdyClient> {
  const socket = await connected();
  upgrade(socket, `?${query(argv)}&${streams}`, 'SPDY/3.1', `X-Stream-Protocol-Version: ${protocol}`);
  const frames: Frame[] = [];
  const readFrames = frameReader();
  const write = frameWriter();
  const closed = once(socket, 'close');
  let answer = '';
  await new Promise<void>((ready) => {
    socket.on('data', (chunk) => {
      if (answer.includes('\r\n\r\n')) {
        frames.push(...readFrames(chunk));
        return;
      }
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      frames.push(...readFrames(Buffer.from(answer.slice(end + 4), 'latin1')));
      ready();
    });
  });
  const send = (frame: Frame) => {
    for (const part of write(frame)) socket.write(part);
  };
  return {
    socket,
    answer,
    send,
    open(...types) {
      for (const [index, type] of types.entries()) {
        send({ type: 'syn-stream', streamId: index * 2 + 1, headers: new Map([['streamtype', type]]), fin: false });
      }
    },
    async closed() {
      await closed;
      return frames;
    },
  };
}

async function refusal(protocol: string, ...headers: string[]): Promise<string> {
  const socket = await connected();
  upgrade(socket, '?command=true&stdout=1', protocol, ...headers);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

async function connected(): Promise<TLSSocket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), ca: server.ca });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

function upgrade(socket: TLSSocket, search: string, protocol: string, ...headers: string[]): void {
  const lines = [
    `POST ${new URL(server.exec).pathname}${search} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    `Upgrade: ${protocol}`,
    ...headers,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
}

function textOf(frames: readonly Frame[], streamId: number): string {
  return Buffer.concat(
    frames.flatMap((frame) => (frame.type === 'data' && frame.streamId === streamId ? [frame.data] : [])),
  ).toString();
}
