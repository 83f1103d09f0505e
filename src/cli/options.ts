import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { usageFailure } from '../errors.ts';
import { CNI_NAMES } from '../lab/cni-name.ts';

/** `-o json`, on every command that has data. */
export const jsonOption = () => new Option('-o, --output <format>', 'print JSON').choices(['json']);

/** `-l NAME`, on every command that is about a lab that runs. */
export const labOption = () =>
  new Option('-l, --lab <name>', 'the lab (default: the only one that runs)').env('WGLAB_LAB');

/** The same as an argument. */
export const labArgument = () => new Argument('[lab]', 'the lab (default: the only one that runs)');

/** The lab that comes first. */
export const FLAGSHIP = 'wireguard';

/** The lab of a command that reads its file, as an argument. */
export const labFileArgument = () =>
  new Argument('[lab]', `a lab by its name, or the path of its file (default: ${FLAGSHIP})`);

/** The same as an option. WGLAB_LAB names a lab that runs, and has no part in it. */
export const labFileOption = () => new Option('-l, --lab <name>', 'the same as an option');

export const nodeOption = (which: string) => new Option('-n, --node <name>', which);

/** `--engine`, on every command that may begin on any of them. */
export const engineOption = () =>
  new Option('--engine <name>', 'what makes the cluster')
    .choices(['auto', 'embedded', 'containerlab', 'kubernetes'])
    .default('auto')
    .env('WGLAB_ENGINE');

/** Adds the options that replace parts of a lab's files. */
export function addLabSource(command: Command): Command {
  return addPartSources(
    command
      .option('--topology <file>', "another containerlab topology than the lab's")
      .addOption(new Option('--cni <name>', "another CNI than the lab's").choices(CNI_NAMES))
      .option('--cilium-manifest <file>', "what Cilium's chart renders, for engines with real nodes"),
  );
}

/** Adds the options that say where parts of a lab come from, to every command that deploys; a workshop passes them on by the environment. */
export function addPartSources(command: Command): Command {
  const option = (flags: string, description: string, variable: string) => new Option(flags, description).env(variable);
  return command
    .addOption(option('--node-image <image>', 'another image for the nodes (engine containerlab)', 'WGLAB_NODE_IMAGE'))
    .addOption(
      option('--calico-version <version>', "another version of Calico than the lab's: v3.32.1", 'WGLAB_CALICO_VERSION'),
    )
    .addOption(
      option(
        '--calico-manifests <folder>',
        "a folder with that release's operator-crds.yaml and tigera-operator.yaml",
        'WGLAB_CALICO_MANIFESTS',
      ),
    );
}

/** Adds the options that name a cluster which exists already. */
export function addExistingCluster(command: Command): Command {
  return command
    .option('--kubeconfig <file>', "the kubeconfig of a cluster that exists already (default: kubectl's)")
    .option('--context <name>', 'which of its contexts (default: the current one)');
}

/** Returns the one lab that was named, as an argument or by --lab. Throws a usage failure if they differ. */
export function chosenLab(argument: string | undefined, option: string | undefined): string | undefined {
  // WGLAB_LAB arrives as the option, and gives way to an argument.
  const isFromEnvironment = option === process.env.WGLAB_LAB;
  if (argument !== undefined && option !== undefined && argument !== option && !isFromEnvironment)
    throw usageFailure(`two labs are named: ${argument} and ${option}`, { remedy: 'Name one.' });
  return argument ?? option;
}

/** Reads the value of an option that is a whole number from 1. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

/** Collects the values of an option that may be given more than once. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** A number of pairs, or all of them. */
export function pairCount(text: string): number | 'all' {
  return text === 'all' ? text : wholeNumber(text);
}
