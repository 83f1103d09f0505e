import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { messageOf, usageFailure } from '../../errors.ts';
import { isTooDeep } from '../../lab/document.ts';
import { readNamedText } from '../../state/regular-file.ts';

/** One context of a kubeconfig, alone. */
export interface ChosenContext {
  /** Its name. */
  context: string;
  /** A kubeconfig that has this context only, with absolute paths, so that it may lie anywhere. */
  text: string;
}

interface Named {
  name?: string;
  [section: string]: unknown;
}

type Fields = { [field: string]: unknown };

/** Fields that name a file next to the kubeconfig (client-go, tools/clientcmd: ResolveLocalPaths). */
const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'];

/** Far larger than any real kubeconfig. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Returns the files that kubectl would read: the one that was named, or those of $KUBECONFIG, or ~/.kube/config. */
export function kubeconfigFiles(named: string | undefined, env: NodeJS.ProcessEnv = process.env): string[] {
  if (named !== undefined) return [resolve(named)];
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  return listed.length > 0 ? listed.map((file) => resolve(file)) : [join(homedir(), '.kube', 'config')];
}

/**
 * Takes one context out of kubeconfig files: the one named, or the current one. If several files define the same
 * thing, the first one counts, as with kubectl. Throws a usage failure if a file cannot be read or the context is incomplete.
 */
export async function chooseContext(files: readonly string[], wanted: string | undefined): Promise<ChosenContext> {
  const documents = await Promise.all(files.map(async (file) => withAbsolutePaths(await readDocument(file), file)));
  const all = (list: string) => documents.flatMap((document) => namedIn(document, list));
  const current = documents
    .map((document) => document['current-context'])
    .find((name) => name !== undefined && name !== '');
  const name = wanted ?? (typeof current === 'string' ? current : undefined);
  const where = files.join(', ');
  if (name === undefined) {
    throw usageFailure(`${where}: no context is current`, {
      remedy: `--context with one of ${names(all('contexts'))}`,
    });
  }
  const context = all('contexts').find((one) => one.name === name);
  if (!context) {
    throw usageFailure(`${where}: there is no context "${name}"`, { remedy: `There are: ${names(all('contexts'))}.` });
  }
  const { cluster, user } = (context.context ?? {}) as { cluster?: string; user?: string };
  const chosenCluster = all('clusters').find((one) => one.name === cluster);
  if (!chosenCluster)
    throw usageFailure(`${where}: the context "${name}" is of a cluster "${cluster}", which is missing`);
  const chosenUser = all('users').find((one) => one.name === user);
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [chosenCluster],
    users: chosenUser ? [chosenUser] : [],
    contexts: [context],
    'current-context': name,
  });
  return { context: name, text };
}

function names(list: readonly Named[]): string {
  return list.map(({ name }) => name).join(', ') || 'none';
}

async function readDocument(file: string): Promise<Fields> {
  try {
    const text = await readNamedText(file, MOST_BYTES);
    if (isTooDeep(text)) throw new Error('it is nested too deeply');
    const document: unknown = parse(text, { logLevel: 'error' });
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document as Fields;
  } catch (error) {
    throw usageFailure(`cannot read the kubeconfig ${file}: ${messageOf(error)}`, {
      remedy: '--kubeconfig FILE names another one',
      cause: error,
    });
  }
  throw usageFailure(`${file} is no kubeconfig`, { remedy: '--kubeconfig FILE names another one' });
}

function namedIn(document: Fields, list: string): Named[] {
  return Array.isArray(document[list]) ? (document[list] as Named[]) : [];
}

function withAbsolutePaths(document: Fields, file: string): Fields {
  const absolute = (path: unknown) =>
    typeof path === 'string' && path && !isAbsolute(path) ? join(dirname(file), path) : path;
  const inSection = (section: string) => (entry: Named) => {
    const fields = { ...(entry[section] as Fields | undefined) };
    for (const field of PATHS) if (field in fields) fields[field] = absolute(fields[field]);
    const exec = fields.exec as Fields | undefined;
    // A plugin without a slash is looked for on PATH.
    if (typeof exec?.command === 'string' && exec.command.includes('/')) {
      fields.exec = { ...exec, command: absolute(exec.command) };
    }
    return { ...entry, [section]: fields };
  };
  return {
    ...document,
    clusters: namedIn(document, 'clusters').map(inSection('cluster')),
    users: namedIn(document, 'users').map(inSection('user')),
  };
}
