/** The channels of Kubernetes' remote commands over WebSocket: the first byte of every message (apimachinery, util/remotecommand). */
export const Channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** With the CLOSE message: byte 255 and the number of the channel whose sender is done. */
export const PROTOCOL_V5 = 'v5.channel.k8s.io';
/** The same without CLOSE: the end of standard input cannot be sent. */
export const PROTOCOL_V4 = 'v4.channel.k8s.io';

/** The v1.Status with which a remote command reports its end, as far as remote commands use it. */
export interface RemoteStatus {
  metadata: Record<string, never>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: { causes: { reason?: string; message: string }[] };
  code?: number;
}

/** One message: the channel's byte, then the data. */
export function channelMessage(channel: number, data: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(data.length + 1);
  message[0] = channel;
  message.set(data, 1);
  return message;
}

/** The status of a command that ended with this exit code. */
export function exitStatus(code: number): RemoteStatus {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** The status of a command that could not be run, in the form of apimachinery's NewInternalError. */
export function internalErrorStatus(message: string): RemoteStatus {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}

/**
 * Returns the exit code in a status. Throws an Error with the server's message if the command did not run, or with
 * the text itself if it is not a status.
 */
export function exitCodeOf(text: string): number {
  const status = parseStatus(text);
  if (!status) throw new Error(`the server ended the command with something that is no status: ${text.slice(0, 500)}`);
  if (status.status === 'Success') return 0;
  if (status.reason === 'NonZeroExitCode') {
    const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message ?? '';
    if (/^\d{1,3}$/.test(cause)) return Number(cause);
  }
  throw new Error(
    status.message || `the server ended the command with a failure that has no message: ${text.slice(0, 500)}`,
  );
}

/** Returns the v1.Status in a text, or undefined if there is none (yet). */
export function parseStatus(text: string): (Partial<RemoteStatus> & { status: string }) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { status } = value as { status?: unknown };
  return status === 'Success' || status === 'Failure' ? { ...value, status } : undefined;
}
