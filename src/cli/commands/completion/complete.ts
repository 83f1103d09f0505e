import type { Argument, Command, Option } from 'commander';

/** Lists what a shell may put in the place of the word that is being typed. */
export interface Completion {
  /** Fixed words: commands, options, choices. */
  words: { word: string; about: string }[];
  /** The kind of values that only the machine knows. */
  values: Values | undefined;
  /** The part of the word that was typed, without `start`. */
  typed: string;
  /** A beginning of the word that stays: `--lab=`. */
  start: string;
  /** The lab that was named before. */
  lab: string | undefined;
}

export type Values = 'labs' | 'deployments' | 'nodes' | 'targets' | 'files' | 'folders' | 'anything';

/** The values of options that have no choices, by their attribute; for one that is missing, nothing is offered. */
export const OPTION_VALUES: Readonly<Record<string, Values>> = {
  lab: 'deployments',
  node: 'nodes',
  topology: 'files',
  junit: 'files',
  write: 'files',
  from: 'folders',
  evidence: 'folders',
  nodeImage: 'anything',
  calicoVersion: 'anything',
  calicoManifests: 'folders',
  ciliumManifest: 'files',
  report: 'folders',
  kubeconfig: 'files',
  save: 'files',
  load: 'files',
  context: 'anything',
  nodes: 'anything',
  probeImage: 'anything',
  proofImage: 'anything',
  output: 'folders',
  control: 'anything',
  pairs: 'anything',
  pcap: 'files',
  packet: 'anything',
  keys: 'files',
  privateKey: 'files',
  espSecret: 'files',
  sign: 'files',
  allowedSigners: 'files',
  wait: 'anything',
  name: 'anything',
  workers: 'anything',
  count: 'anything',
  seconds: 'anything',
  grep: 'anything',
  step: 'anything',
};

/** The same for arguments, by command and name, and by name alone. */
export const ARGUMENT_VALUES: Readonly<Record<string, Values>> = {
  'deploy lab': 'labs',
  'smoke lab': 'labs',
  'pull lab': 'labs',
  'workshop lab': 'labs',
  file: 'files',
  evidence: 'folders',
  lab: 'deployments',
  target: 'targets',
  command: 'files',
};

/** Returns what may come at the last of `words`, which are those after the program's name; the last one may be empty. */
export function complete(program: Command, words: readonly string[]): Completion {
  const { command, operands, waiting, onlyOperands, lab } = walk(program, words.slice(0, -1));
  const last = words.at(-1) ?? '';
  const [, flag, attached] = onlyOperands ? [] : (/^(--[^=]+)=(.*)$/s.exec(last) ?? []);
  const option = waiting ?? (flag === undefined ? undefined : optionOf(program, command, flag));
  const found = { words: [], values: undefined, typed: last, start: '', lab };
  if (waiting) return { ...found, ...valuesOf(waiting, optionValues(command, waiting)) };
  if (flag !== undefined) {
    const typed = { typed: attached ?? '', start: `${flag}=` };
    return { ...found, ...typed, ...(option ? valuesOf(option, optionValues(command, option)) : {}) };
  }
  if (last.startsWith('-') && !onlyOperands) return { ...found, words: flagsOf(program, command) };
  if (operands === 0 && command.commands.length > 0) return { ...found, words: commandsOf(command) };
  const argument = argumentAt(command, operands);
  if (!argument) return found;
  if (command.name() === 'help') return { ...found, words: commandsOf(program) };
  const values = ARGUMENT_VALUES[`${command.name()} ${argument.name()}`] ?? ARGUMENT_VALUES[argument.name()];
  return { ...found, ...valuesOf(argument, values) };
}

/** Returns the state after some words: in which command, after how many operands, and whether an option waits for its value. */
function walk(program: Command, words: readonly string[]) {
  let command = program;
  let operands = 0;
  let waiting: Option | undefined;
  let onlyOperands = false;
  let lab: string | undefined;
  for (const word of words) {
    if (waiting) {
      if (waiting.attributeName() === 'lab') lab = word;
      waiting = undefined;
    } else if (!onlyOperands && word === '--') onlyOperands = true;
    else if (!onlyOperands && word.startsWith('-') && word !== '-') {
      const option = optionOf(program, command, word);
      if (option?.required) waiting = option;
      if (word.startsWith('--lab=')) lab = word.slice('--lab='.length);
    } else if (operands === 0 && command.commands.length > 0) {
      const subcommand = subcommandOf(command, word);
      if (subcommand) command = subcommand;
      else operands++;
    } else operands++;
  }
  return { command, operands, waiting, onlyOperands, lab };
}

function subcommandOf(program: Command, name: string): Command | undefined {
  const commands = program.createHelp().visibleCommands(program);
  return commands.find((command) => command.name() === name || command.aliases().includes(name));
}

function optionOf(program: Command, command: Command, flag: string): Option | undefined {
  return [...command.options, ...program.options].find(({ long, short }) => long === flag || short === flag);
}

/** The argument that comes after so many operands; a variadic one takes all that follow. */
function argumentAt(command: Command, operands: number): Argument | undefined {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  return registeredArguments[operands] ?? (last?.variadic ? last : undefined);
}

/** Returns the values of an option: as a rule the same on every command, but `--lab` names a file where one is read. */
function optionValues(command: Command, option: Option): Values | undefined {
  const name = option.attributeName();
  return ARGUMENT_VALUES[`${command.name()} ${name}`] ?? OPTION_VALUES[name];
}

function valuesOf(taker: Option | Argument, values: Values | undefined): Pick<Completion, 'words' | 'values'> {
  if (taker.argChoices) return { words: taker.argChoices.map((word) => ({ word, about: '' })), values: undefined };
  return { words: [], values };
}

function commandsOf(program: Command) {
  const commands = program.createHelp().visibleCommands(program);
  return commands.map((command) => ({ word: command.name(), about: command.description() }));
}

function flagsOf(program: Command, command: Command) {
  const help = program.createHelp();
  const options = [...help.visibleOptions(command), ...(command === program ? [] : program.options)];
  return options
    .filter(({ long }) => long !== '--version' || command === program)
    .map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }));
}
