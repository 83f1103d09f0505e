import type { Duplex, Readable, Writable } from 'node:stream';
import type { RemoteStatus } from '../../kube/remote-command.ts';
import type { Channels, ExecOptions } from './exec-session.ts';
import { type SpdyStream, serveSpdyConnection } from './spdy/connection.ts';
import { terminalSizes } from './terminal-size.ts';

/** Kubernetes' protocols over SPDY, newest first (apimachinery, util/remotecommand). */
export const SPDY_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];

/** Kubernetes' bound for a client to open its streams (kubelet, DefaultStreamCreationTimeout). */
const STREAMS_TIMEOUT_MS = 30_000;

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

/** Answers the request with the upgrade, and calls `ready` once the client has opened the streams that it asked for. */
export function acceptSpdy(
  socket: Duplex,
  head: Buffer,
  protocol: string,
  options: ExecOptions,
  ready: (channels: Channels) => void,
): void {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  const expected = expectedStreams(protocol, options);
  const streams = new Map<StreamType, SpdyStream>();
  const connection = serveSpdyConnection(socket, head, (stream) => {
    const type = expected.find((name) => name === stream.headers.get('streamtype'));
    if (!type || streams.has(type)) return false;
    streams.set(type, stream);
    // A client's bytes on a stream of ours mean nothing.
    if (type !== 'stdin' && type !== 'resize') stream.incoming.resume();
    // Once the reply to the last of them is sent, and before what comes behind it.
    if (streams.size === expected.length) process.nextTick(complete);
    return true;
  });
  const timer = setTimeout(() => connection.close(), STREAMS_TIMEOUT_MS);
  void connection.gone.then(() => clearTimeout(timer));

  const complete = () => {
    clearTimeout(timer);
    ready({
      stdin: streams.get('stdin')?.incoming,
      stdout: streams.get('stdout')?.outgoing,
      stderr: streams.get('stderr')?.outgoing,
      onResize: (listener) => readSizes(streams.get('resize')?.incoming, listener),
      finish: (status) => finish(streams, endText(protocol, status), connection.close),
      gone: connection.gone,
    });
  };
}

/** Sizes of terminals came with the third version. */
function expectedStreams(protocol: string, options: ExecOptions): StreamType[] {
  const resizes = SPDY_PROTOCOLS.indexOf(protocol) <= SPDY_PROTOCOLS.indexOf('v3.channel.k8s.io');
  const wanted: Record<StreamType, boolean> = { error: true, ...streamsOf(options), resize: options.tty && resizes };
  return (Object.keys(wanted) as StreamType[]).filter((type) => wanted[type]);
}

function streamsOf({ stdin, stdout, stderr }: ExecOptions) {
  return { stdin, stdout, stderr };
}

function readSizes(stream: Readable | undefined, listener: (columns: number, rows: number) => void): void {
  stream?.on('data', terminalSizes(listener));
}

/** Before v4 the error stream held plain text, and nothing at all when the command succeeded. */
function endText(protocol: string, status: RemoteStatus): string {
  if (protocol === 'v4.channel.k8s.io') return JSON.stringify(status);
  return status.status === 'Success' ? '' : (status.message ?? '');
}

/** Ends every stream our way, that of the status last, then the connection. */
function finish(streams: Map<StreamType, SpdyStream>, text: string, close: () => void): void {
  for (const [type, { outgoing }] of streams) if (type !== 'error') end(outgoing);
  const last = streams.get('error')?.outgoing;
  if (!last || last.destroyed) {
    close();
    return;
  }
  last.once('close', close);
  last.end(text);
}

function end(stream: Writable): void {
  if (!stream.destroyed && !stream.writableEnded) stream.end();
}
