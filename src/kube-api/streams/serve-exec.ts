import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { PROTOCOL_V4, PROTOCOL_V5 } from '../../kube/remote-command.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import { type ExecOptions, runSession } from './exec-session.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { acceptSpdy, SPDY_PROTOCOLS } from './spdy-channels.ts';
import { webSocketChannels } from './websocket-channels.ts';

/** The longest message of x/net's WebSocket, and so of Kubernetes: 32 MiB. */
const LARGEST_MESSAGE = 32 * 1024 * 1024;

/** How long a client may take to read what is left after the end; the time that ws waits for its close frame. */
const CLOSE_TIMEOUT_MS = 10 * 60_000;

const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: LARGEST_MESSAGE,
  handleProtocols: (offered) => commonProtocol([...offered], [PROTOCOL_V5, PROTOCOL_V4]) ?? false,
  // Not in the types of ws yet.
  ...{ closeTimeout: CLOSE_TIMEOUT_MS },
});

/**
 * Serves one remote command on a connection that asks for an upgrade: over WebSocket as kubectl from 1.31 does, or over
 * SPDY/3.1 as older ones do. `start` is called once the client's streams are open; what it throws is reported to the client as
 * the command's end. When the client goes away, the process is killed. The socket belongs to this function from here on.
 */
export function serveExec(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: ExecOptions,
  start: () => RemoteProcess,
): void {
  // An upgraded socket has nobody else who listens: an error without a listener would end the whole engine.
  socket.on('error', () => socket.destroy());
  // Kubernetes gives no standard error next to a terminal, whatever was asked (kubelet, remotecommand.NewOptions).
  const wanted = { ...options, stderr: options.stderr && !options.tty };
  const protocol = request.headers.upgrade?.toLowerCase();
  if (protocol === 'websocket') serveWebSocket(request, socket, head, wanted, start);
  else if (protocol === 'spdy/3.1') serveSpdy(request, socket, head, wanted, start);
  else refuseUpgrade(socket, 400, 'BadRequest', 'Upgrade request required: WebSocket or SPDY/3.1');
}

function serveWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: ExecOptions,
  start: () => RemoteProcess,
): void {
  const offered = listed(request.headers['sec-websocket-protocol']);
  if (!commonProtocol(offered, [PROTOCOL_V5, PROTOCOL_V4])) {
    const message = `requested protocols [${offered.join(' ')}] are not supported; the server has [${PROTOCOL_V5} ${PROTOCOL_V4}]`;
    refuseUpgrade(socket, 403, 'Forbidden', message);
    return;
  }
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    runSession(webSocketChannels(webSocket, options), start);
  });
}

function serveSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: ExecOptions,
  start: () => RemoteProcess,
): void {
  const offered = listed(request.headers['x-stream-protocol-version']);
  if (offered.length === 0) {
    refuseUpgrade(socket, 400, 'BadRequest', 'unable to upgrade: X-Stream-Protocol-Version is required');
    return;
  }
  const protocol = commonProtocol(offered, SPDY_PROTOCOLS);
  if (!protocol) {
    const message = `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${SPDY_PROTOCOLS.join(' ')}]`;
    refuseUpgrade(socket, 403, 'Forbidden', message, { 'X-Accepted-Stream-Protocol-Versions': SPDY_PROTOCOLS });
    return;
  }
  acceptSpdy(socket, head, protocol, options, (channels) => runSession(channels, start));
}

/** The client's first choice that the server has, as Kubernetes negotiates (httpstream.Handshake). */
function commonProtocol(offered: readonly string[], supported: readonly string[]): string | undefined {
  return offered.find((protocol) => supported.includes(protocol));
}

function listed(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}
