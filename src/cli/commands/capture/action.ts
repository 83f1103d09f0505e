import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { labFailure, messageOf, usageFailure } from '../../../errors.ts';
import { captureRaw, type WatchedPacket, watchWire } from '../../../operations/capture.ts';
import { nodesOf } from '../../../operations/known-names.ts';
import { type StandingLab, standingLab } from '../../../operations/labs.ts';
import { compilePattern, type Pattern } from '../../../text/pattern.ts';
import { printableJson } from '../../../text/printable.ts';
import { secretValues } from '../../../wire/secrets.ts';
import type { Context } from '../../context.ts';
import { chosenLab } from '../../options.ts';

interface CaptureOptions {
  lab?: string;
  node?: string;
  grep?: string;
  count?: number;
  seconds?: number;
  write?: string;
  output?: 'json';
}

/** Shows packets as they cross the wire, or writes them to a file. */
export async function captureCommand(
  context: Context,
  argument: string | undefined,
  options: CaptureOptions,
): Promise<undefined> {
  const { node, count, seconds, write } = options;
  const grep = options.grep === undefined ? {} : { grep: await pattern(options.grep) };
  const lab = await standingLab(chosenLab(argument, options.lab));
  if (write !== undefined) {
    if (grep.grep) {
      throw usageFailure('--write takes every packet: --grep does not choose among them', {
        remedy: `Leave --grep away, and search in the file: tcpdump -A -r ${write} | grep …`,
      });
    }
    await writeFile(context, lab, node, write, { count, seconds });
    return undefined;
  }
  const request = { ...grep, ...(node === undefined ? {} : { node }), ...(count === undefined ? {} : { count }) };
  context.err.write(`${context.errPalette.dim(`Watching the wire; ${ending(options)}.`)}\n`);
  const show = options.output ? jsonLine : textLines(context, grep.grep);
  // Whoever read this (`| head`) has gone: that ends it, and is no error.
  const unread = new AbortController();
  context.out.onLoss(() => unread.abort());
  const over = new AbortController();
  const enough = AbortSignal.any([context.signal, unread.signal, over.signal]);
  const timer = seconds === undefined ? undefined : setTimeout(() => over.abort(), seconds * 1000);
  try {
    await watchWire(lab, request, (packet) => context.out.write(show(packet)), enough);
  } catch (error) {
    if (context.signal.aborted || !(unread.signal.aborted || over.signal.aborted)) throw error;
  } finally {
    clearTimeout(timer);
  }
  return undefined;
}

/** What ends it, for the person who waits. */
function ending({ count, seconds }: CaptureOptions): string {
  if (seconds !== undefined) return `it ends after ${seconds} ${seconds === 1 ? 'second' : 'seconds'}, or by Ctrl-C`;
  return count === undefined ? 'Ctrl-C ends it' : 'Ctrl-C ends it early';
}

async function pattern(text: string): Promise<Pattern> {
  try {
    return await compilePattern(text);
  } catch (error) {
    throw usageFailure(`--grep ${text}: ${messageOf(error)}`, {
      remedy: 'Write a regular expression in the syntax of RE2: without lookahead and backreferences.',
    });
  }
}

/** A pcap file of one node: those of several nodes would show most packets twice. */
async function writeFile(
  { err, out, signal }: Context,
  lab: StandingLab,
  node: string | undefined,
  file: string,
  { count, seconds }: Pick<CaptureOptions, 'count' | 'seconds'>,
): Promise<void> {
  if (node === undefined)
    throw usageFailure('--write needs --node', { remedy: `The nodes are ${nodesOf(lab.state).join(', ')}.` });
  const capture = await captureRaw(lab, node, count);
  const stop = () => capture.stdin.end();
  signal.addEventListener('abort', stop);
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000);
  capture.stderr.pipe(err.stream, { end: false });
  try {
    if (file === '-') await pipeline(capture.stdout, out.stream, { end: false });
    else await pipeline(capture.stdout, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    throw usageFailure(`cannot write ${file}: ${messageOf(error)}`);
  }
  try {
    const status = await capture.exited;
    if (status !== 0) throw labFailure(`the capture on ${node} ended with status ${status}`);
    signal.throwIfAborted();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    capture.kill();
  }
}

function jsonLine(packet: WatchedPacket): string {
  return `${printableJson(packet, 0)}\n`;
}

/** One line a packet; what can be read of it below, with the secrets marked. */
function textLines({ palette }: Context, grep: Pattern | undefined) {
  const paint = (found: string) => palette.black(palette.bgYellow(found));
  const mark = (line: string) => (grep ? grep.mark(line, paint) : line.replace(secretValues(), paint));
  return ({ time, node, length, description, encrypted, secrets }: WatchedPacket): string => {
    const head = `${palette.dim(time.slice(11, -1))} ${node} ${description}, ${length} bytes`;
    const lines = secrets.map((line) => `    ${mark(line)}`);
    return `${[encrypted ? palette.green(head) : head, ...lines].join('\n')}\n`;
  };
}
