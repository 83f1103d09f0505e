import type { Readable } from 'node:stream';
import { ExitCode, Failure } from '../errors.ts';
import type { RemoteProcess, RunOptions } from './remote-process.ts';

/** There is no way to run commands on this node, and it is known why; the lab as a whole is all right. */
export class UnprobedNode extends Failure {
  readonly reason: string;

  constructor(node: string, reason: string) {
    super(ExitCode.lacking, `${node} cannot be probed: ${reason}`);
    this.name = 'UnprobedNode';
    this.reason = reason;
  }
}

/**
 * Runs a command on a node: the one thing besides the Kubernetes API that every engine offers. Throws UnprobedNode if that
 * is not possible on this node.
 */
export type NodeShell = (node: string, argv: readonly string[], options?: RunOptions) => Promise<RemoteProcess>;

export interface Finished {
  status: number;
  stdout: string;
  stderr: string;
}

/** Sends a process its input and collects its output until it ends. Rejects if the connection breaks before. */
export async function finish(remote: RemoteProcess, input = ''): Promise<Finished> {
  const texts = Promise.all([textOf(remote.stdout), textOf(remote.stderr)]);
  remote.stdin.end(input);
  const [status, [stdout, stderr]] = await Promise.all([remote.exited, texts]);
  return { status, stdout, stderr };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
