import { type Deployment, labsAndDeployments } from '../../../operations/lab-list.ts';
import { padTo } from '../../../text/width.ts';
import { wrap } from '../../../text/wrap.ts';
import { VERSION } from '../../../version.ts';
import type { Context } from '../../context.ts';

/** The ways in: what a person may want, the command, and what it does. */
const WAYS: readonly (readonly [want: string, command: string, does: string])[] = [
  ['Learn', 'wglab workshop', 'see passwords in a packet, turn on encryption, see them vanish'],
  ['', 'wglab labs', 'more labs, and which of them are running'],
  ['Prove', 'wglab smoke', 'all of it once, in seconds: deploy, prove, encrypt, prove, destroy'],
  ['', 'wglab deploy', 'a lab of your own, for verify, encrypt, capture and explain'],
  ['Guard', 'wglab smoke --junit FILE', 'in CI: fails if a change breaks encryption'],
  ['', 'wglab deploy --engine kubernetes', 'the same proof on a cluster that you have'],
  ['Break', 'wglab break --random', 'a fault on purpose; find it with wglab diagnose'],
];

/** Prints where to begin, and what is running. */
export async function startCommand({ out, palette }: Context): Promise<undefined> {
  const width = Math.min(out.columns ?? 80, 100);
  const { deployments } = await labsAndDeployments();
  const lines = [
    ...wrap(`wglab ${VERSION} shows, and proves, what a Kubernetes network does with your data on the wire.`, width),
    ...WAYS.flatMap(([want, command, does]) => [
      ...(want === '' ? [] : ['']),
      ...entry(palette.bold(want), palette.cyan(command), does, width),
    ]),
    '',
    ...[...runningLines(deployments), 'wglab --help lists all commands; wglab doctor checks this machine.'].flatMap(
      (line) => wrap(line, width),
    ),
  ];
  out.write(`${lines.join('\n')}\n`);
  return undefined;
}

const WANT_WIDTH = 7;
const COMMAND_WIDTH = 34;

/** Returns a way in on one line, or on two where the terminal is narrow. */
function entry(want: string, command: string, does: string, width: number): string[] {
  const left = padTo(want, WANT_WIDTH) + padTo(command, COMMAND_WIDTH);
  const room = width - WANT_WIDTH - COMMAND_WIDTH;
  if (does.length <= room) return [left + does];
  const indent = ' '.repeat(WANT_WIDTH + 2);
  return [
    (padTo(want, WANT_WIDTH) + command).trimEnd(),
    ...wrap(does, width - indent.length).map((line) => indent + line),
  ];
}

function runningLines(deployments: readonly Deployment[]): string[] {
  const running = deployments.filter(({ stands }) => stands);
  const rest = deployments.filter(({ stands }) => !stands).map(({ name }) => name);
  const lines = running.map(
    ({ name, engine, nodes }) =>
      `Running: lab "${name}" (${engine}, ${nodes.length} nodes). Next: wglab status ${name}`,
  );
  if (running.length === 0) lines.push('No lab is running.');
  if (rest.length > 0) lines.push(`Left over: ${rest.join(', ')}. wglab destroy NAME removes it.`);
  return lines;
}
