import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { labFailure, messageOf, usageFailure } from '../errors.ts';
import { captureRaw, type WatchedPacket, watchWire } from '../operations/capture.ts';
import { type StandingLab, standingLab } from '../operations/labs.ts';
import { secretValues } from '../wire/secrets.ts';
import type { Context } from './context.ts';

interface CaptureOptions {
  lab?: string;
  node?: string;
  grep?: string;
  count?: number;
  write?: string;
  output?: 'json';
}

export async function captureCommand(context: Context, options: CaptureOptions): Promise<undefined> {
  const { node, count, write } = options;
  const grep = options.grep === undefined ? {} : { grep: expression(options.grep) };
  const lab = await standingLab(options.lab);
  if (write !== undefined) {
    if (count !== undefined || grep.grep)
      throw usageFailure('--write takes all packets: leave --count and --grep away');
    await writeFile(context, lab, node, write);
    return undefined;
  }
  const request = { ...grep, ...(node === undefined ? {} : { node }), ...(count === undefined ? {} : { count }) };
  context.err.write(`${context.errPalette.dim('Watching the wire; Ctrl-C ends it.')}\n`);
  const show = options.output ? jsonLine : textLines(context, grep.grep);
  // Whoever read this (`| head`) has gone: that ends it, and is no error.
  const unread = new AbortController();
  context.out.once('error', () => unread.abort());
  const enough = AbortSignal.any([context.signal, unread.signal]);
  await watchWire(lab, request, (packet) => context.out.write(show(packet)), enough).catch((error) => {
    if (!unread.signal.aborted) throw error;
  });
  return undefined;
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw usageFailure(`--grep ${text}: ${messageOf(error)}`);
  }
}

/** A pcap file of one node: those of several nodes would show most packets twice. */
async function writeFile(
  { err, out, signal }: Context,
  lab: StandingLab,
  node: string | undefined,
  file: string,
): Promise<void> {
  if (node === undefined)
    throw usageFailure('--write needs --node', { remedy: `The nodes are ${lab.state.nodes.join(', ')}.` });
  const capture = await captureRaw(lab, node);
  const stop = () => capture.stdin.end();
  signal.addEventListener('abort', stop);
  capture.stderr.pipe(err, { end: false });
  try {
    if (file === '-') await pipeline(capture.stdout, out, { end: false });
    else await pipeline(capture.stdout, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    throw usageFailure(`cannot write ${file}: ${messageOf(error)}`);
  }
  try {
    const status = await capture.exited;
    if (status !== 0) throw labFailure(`the capture on ${node} ended with status ${status}`);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', stop);
    capture.kill();
  }
}

function jsonLine(packet: WatchedPacket): string {
  return `${JSON.stringify(packet)}\n`;
}

/** One line a packet; what can be read of it below, with the secrets marked. */
function textLines({ palette }: Context, grep: RegExp | undefined) {
  const marks = grep ? new RegExp(grep.source, 'gi') : secretValues();
  return ({ time, node, length, description, encrypted, secrets }: WatchedPacket): string => {
    const head = `${palette.dim(time.slice(11, -1))} ${node} ${description}, ${length} bytes`;
    const lines = secrets.map(
      (line) => `    ${line.replace(marks, (found) => palette.black(palette.bgYellow(found)))}`,
    );
    return `${[encrypted ? palette.green(head) : head, ...lines].join('\n')}\n`;
  };
}
