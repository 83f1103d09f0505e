import { pipeline, type Readable, type Writable } from 'node:stream';
import { messageOf } from '../../errors.ts';
import { exitStatus, internalErrorStatus, type RemoteStatus } from '../../kube/remote-command.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';

/** Which streams the client asked for. */
export interface ExecOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** The client's end of a remote command, whatever protocol it speaks. Streams that it did not ask for are undefined. */
export interface Channels {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** The sizes of the client's terminal, as they come. To be asked for at once. */
  onResize(listener: (columns: number, rows: number) => void): void;
  /** Sends how the command ended, after all output, and closes the connection. */
  finish(status: RemoteStatus): void;
  /** Settles when the connection is closed, by whomever; never rejects. */
  readonly gone: Promise<void>;
}

/** Joins a process to the client that asked for it, from its start to the status of its end. */
export function runSession(channels: Channels, start: () => RemoteProcess): void {
  let process: RemoteProcess;
  try {
    process = start();
  } catch (error) {
    channels.finish(internalErrorStatus(messageOf(error)));
    return;
  }
  let ended = false;
  void channels.gone.then(() => {
    if (!ended) process.kill();
  });
  channels.onResize((columns, rows) => process.resize(columns, rows));

  // A command may close its input or end before all of it was written: no error of the session.
  process.stdin.on('error', () => undefined);
  if (channels.stdin) pipeline(channels.stdin, process.stdin, () => undefined);
  else process.stdin.end();

  const output = [carry(process.stdout, channels.stdout), carry(process.stderr, channels.stderr)];
  void statusOf(process).then(async (status) => {
    ended = true;
    await Promise.all(output);
    channels.finish(status);
  });
}

/** Settles when everything of `source` was handed to the connection, or one of the two broke; then the other is closed too. */
function carry(source: Readable, sink: Writable | undefined): Promise<void> {
  return new Promise((settle) => {
    if (sink) {
      pipeline(source, sink, () => settle());
    } else {
      // Nobody asked for it, and with a terminal it may never end: read on so that the command is not held up.
      source.on('error', () => undefined);
      source.resume();
      settle();
    }
  });
}

function statusOf(process: RemoteProcess): Promise<RemoteStatus> {
  return process.exited.then(exitStatus, (error: unknown) => internalErrorStatus(messageOf(error)));
}
