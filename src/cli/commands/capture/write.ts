import { constants, createWriteStream, fstatSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { labFailure, usageFailure } from '../../../errors.ts';
import { captureRaw } from '../../../operations/capture.ts';
import { nodesOf } from '../../../operations/known-names.ts';
import type { StandingLab } from '../../../operations/labs.ts';
import { reportFailure } from '../../../state/report-file.ts';
import type { Context } from '../../context.ts';

interface Limits {
  count: number | undefined;
  seconds: number | undefined;
}

/** Writes a pcap of one node to a file or to standard output: a pcap of several nodes would have most packets twice. */
export async function writePcap(
  context: Context,
  lab: StandingLab,
  node: string | undefined,
  file: string,
  { count, seconds }: Limits,
): Promise<void> {
  const { err, out, signal } = context;
  if (node === undefined)
    throw usageFailure('--write needs --node', { remedy: `The nodes are ${nodesOf(lab.state).join(', ')}.` });
  if (file === '-' && out.columns !== undefined)
    throw usageFailure('a capture is nothing for a terminal to show', {
      remedy: 'Pipe it: wglab capture … -w - | wireshark -k -i -',
    });
  const target = file === '-' ? undefined : openTarget(file);
  const capture = await captureRaw(lab, node, count);
  const stop = () => capture.stdin.end();
  signal.addEventListener('abort', stop);
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000);
  capture.stderr.pipe(err.stream, { end: false });
  try {
    if (target) await writeTo(target, capture.stdout, file);
    else if (!(await pipedTo(out.stream, capture.stdout))) return;
    const status = await capture.exited;
    if (status !== 0) throw labFailure(`the capture on ${node} ended with status ${status}`);
    signal.throwIfAborted();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    capture.kill();
  }
}

interface Target {
  stream: Writable;
  /** An ordinary file, which is removed if it cannot be written whole. */
  isFile: boolean;
}

/** Opens the file to write to. Opening never waits, and nobody reading a FIFO yet is an error. */
function openTarget(file: string): Target {
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK, 0o600);
    const stats = fstatSync(fd);
    const stream = stats.isFIFO() ? new Socket({ fd, readable: false }) : createWriteStream(file, { fd });
    return { stream, isFile: stats.isFile() };
  } catch (error) {
    throw reportFailure(file, error);
  }
}

async function writeTo({ stream, isFile }: Target, pcap: NodeJS.ReadableStream, file: string): Promise<void> {
  try {
    await pipeline(pcap, stream);
  } catch (error) {
    if (!isFile && isReaderGone(error)) return;
    if (isFile) await rm(file, { force: true });
    throw reportFailure(file, error);
  }
}

/** Returns whether all of it went out. A reader that has seen enough is no error, and a full disk is reported by the stream's owner. */
async function pipedTo(stream: NodeJS.WritableStream, pcap: NodeJS.ReadableStream): Promise<boolean> {
  try {
    await pipeline(pcap, stream, { end: false });
    return true;
  } catch {
    return false;
  }
}

function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
