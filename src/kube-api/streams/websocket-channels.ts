import { Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { sharedInlets } from '../../kube/inlets.ts';
import { Channel, channelMessage, PROTOCOL_V5 } from '../../kube/remote-command.ts';
import type { Channels, ExecOptions } from './exec-session.ts';
import { heldConnection } from './held-connection.ts';
import { terminalSizes } from './terminal-size.ts';

/** The channels of a remote command over an open WebSocket of v4.channel.k8s.io or v5.channel.k8s.io. */
export function webSocketChannels(webSocket: WebSocket, options: ExecOptions): Channels {
  // A pong that nobody asked for is lawful (RFC 6455 §5.5.3), and kubectl counts it as a sign of life.
  const { hold, release } = heldConnection(webSocket, () => webSocket.pong());
  const stdin = options.stdin ? sharedInlets(hold, release)() : undefined;
  let resized: ((columns: number, rows: number) => void) | undefined;
  const feedResize = terminalSizes((columns, rows) => resized?.(columns, rows));
  const stdout = options.stdout ? outlet(webSocket, Channel.stdout) : undefined;
  const stderr = options.stderr ? outlet(webSocket, Channel.stderr) : undefined;

  webSocket.on('message', (data) => {
    const message = bytesOf(data);
    const content = message.subarray(1);
    if (message[0] === Channel.stdin) stdin?.feed(content);
    else if (message[0] === Channel.resize) feedResize(content);
    else if (message[0] === Channel.close && webSocket.protocol === PROTOCOL_V5 && content[0] === Channel.stdin) {
      stdin?.end();
    }
  });
  // A message that breaks the protocol: ws has sent why, and closes.
  webSocket.on('error', () => webSocket.terminate());
  const gone = new Promise<void>((settle) => {
    webSocket.once('close', () => {
      stdin?.stream.destroy();
      settle();
    });
  });
  // Kubernetes tells by an empty message that the connection stands (kubelet, createWebSocketStreams).
  const first = stdout ? Channel.stdout : stderr ? Channel.stderr : Channel.error;
  webSocket.send(channelMessage(first, Buffer.alloc(0)));

  return {
    stdin: stdin?.stream,
    stdout,
    stderr,
    onResize(listener) {
      resized = listener;
    },
    finish(status) {
      // Reading goes on, input is dropped: closing over unread bytes would reset the connection and lose output on its way.
      stdin?.stream.destroy();
      const text = Buffer.from(JSON.stringify(status));
      webSocket.send(channelMessage(Channel.error, text), () => webSocket.close(1000));
    },
    gone,
  };
}

/** Takes the next bytes only when the last were handed to the system, so that a slow client holds up the process. */
function outlet(webSocket: WebSocket, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => webSocket.send(channelMessage(channel, chunk), done),
  });
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
