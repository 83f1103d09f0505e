import { messageOf, usageFailure } from '../../../errors.ts';
import { type WatchedPacket, watchWire } from '../../../operations/capture.ts';
import { standingLab } from '../../../operations/labs.ts';
import { compilePattern, type Pattern } from '../../../text/pattern.ts';
import { printableJson } from '../../../text/printable.ts';
import { secretValues } from '../../../wire/secrets.ts';
import type { Context } from '../../context.ts';
import { chosenLab } from '../../options.ts';
import { writePcap } from './write.ts';

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
      throw usageFailure('--write writes every packet: --grep does not choose among them', {
        remedy: `Leave out --grep, and search in the file: tcpdump -A -r ${write} | grep …`,
      });
    }
    await writePcap(context, lab, node, write, { count, seconds });
    return undefined;
  }
  const request = { ...grep, ...(node === undefined ? {} : { node }), ...(count === undefined ? {} : { count }) };
  context.err.write(`${context.errPalette.dim(`Watching the wire; ${ending(options)}.`)}\n`);
  const show = options.output ? jsonLine : textLines(context, grep.grep);
  // A reader that has seen enough (`| head`) ends it, and is no error.
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

/** Returns what ends it, for the person who waits. */
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

function jsonLine(packet: WatchedPacket): string {
  return `${printableJson(packet, 0)}\n`;
}

/** Prints a line for each packet; what can be read of it below, with the secrets marked. */
function textLines({ palette }: Context, grep: Pattern | undefined) {
  const paint = (found: string) => palette.black(palette.bgYellow(found));
  const mark = (line: string) => (grep ? grep.mark(line, paint) : line.replace(secretValues(), paint));
  return ({ time, node, length, description, encrypted, secrets }: WatchedPacket): string => {
    const head = `${palette.dim(time.slice(11, -1))} ${node} ${description}, ${length} bytes`;
    const lines = secrets.map((line) => `    ${mark(line)}`);
    return `${[encrypted ? palette.green(head) : head, ...lines].join('\n')}\n`;
  };
}
