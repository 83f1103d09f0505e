import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers a request for an upgrade with a v1.Status that kubectl shows, and ends the connection. */
export function refuseUpgrade(
  socket: Duplex,
  code: number,
  reason: string,
  message: string,
  headers: Record<string, readonly string[]> = {},
): void {
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  });
  const extra = Object.entries(headers).flatMap(([name, values]) => values.map((value) => `${name}: ${value}`));
  const lines = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...extra,
  ];
  // Further bytes of the client are read and dropped, so that closing does not reset the connection under the answer.
  socket.resume();
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
