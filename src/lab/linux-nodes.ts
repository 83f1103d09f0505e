import { commandWords } from './command-words.ts';
import type { Path, SourceDocument } from './document.ts';
import type { Place, Problem } from './problem.ts';
import { problemAt, showPath } from './schema.ts';
import { didYouMean } from './suggest.ts';
import { definitionsOf, inherited, kindOf, type LinkDefinition, type TopologyBody } from './topology-schema.ts';

/** A node of kind `linux`: a plain host next to the cluster. */
export interface LinuxNode {
  name: string;
  /** The embedded engine's nodes have this machine's own tools instead. */
  image?: string;
  /** Commands to run on it once its links are there, as words. */
  exec: string[][];
  env: Record<string, string>;
  place: Place;
}

/** A cable between two nodes. */
export interface Link {
  ends: [LinkEnd, LinkEnd];
  /** In bytes. */
  mtu: number;
}

interface LinkEnd {
  node: string;
  interface: string;
}

/** A node of the cluster that the topology gives links or commands of its own: kind `ext-container`. */
export interface ClusterContainer {
  name: string;
  /** Commands to run on it once its links are there, as words. */
  exec: string[][];
  place: Place;
}

export interface LinuxPart {
  linux: LinuxNode[];
  external: ClusterContainer[];
  links: Link[];
  /** Parts that the embedded engine cannot make, and containerlab can. */
  notEmbedded: Problem[];
}

/** constants.DefaultLinkMTU of containerlab. */
const LINK_MTU = 9500;

/** Reads the nodes of kind `linux` and the links between them, and adds what is wrong with them on every engine to `problems`. */
export function linuxPartOf(document: SourceDocument, topology: TopologyBody, problems: Problem[]): LinuxPart {
  const names = Object.keys(topology.nodes).filter((node) => kindOf(topology, topology.nodes[node] ?? {}) === 'linux');
  const notEmbedded: Problem[] = [];
  const linux = names.map((name) => linuxNode(document, topology, name, problems, notEmbedded));
  const external = Object.entries(topology.nodes).flatMap(([name, own]) => {
    if (kindOf(topology, own) !== 'ext-container') return [];
    const exec = execOf(document, definitionsOf(topology, name), problems, notEmbedded);
    return [{ name, exec, place: document.placeOfKey(['topology', 'nodes', name]) }];
  });
  const taken = new Set<string>();
  const links = (topology.links ?? []).flatMap((link, i) => {
    const path = ['topology', 'links', i];
    return linkOf(document, topology, { link, path, taken, problems, notEmbedded });
  });
  return { linux, external, links, notEmbedded };
}

/** Keys that change nothing on the embedded engine: its nodes have all capabilities, and this machine's resources and tools. */
const WITHOUT_EFFECT = [
  'kind',
  'group',
  'image',
  'image-pull-policy',
  'labels',
  'position',
  'cap-add',
  'privileged',
].concat(['memory', 'cpu', 'cpu-set', 'restart-policy', 'auto-remove', 'extras', 'network-mode', 'exec', 'env']);

const EMBEDDED = 'Leave it out, or use --engine containerlab.';

function linuxNode(
  document: SourceDocument,
  topology: TopologyBody,
  name: string,
  problems: Problem[],
  notEmbedded: Problem[],
): LinuxNode {
  const place = document.placeOfKey(['topology', 'nodes', name]);
  // It becomes a host name, and a part of a container's.
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/.test(name)) {
    problems.push({
      place,
      message: `"${name}" cannot name a host; it may have up to 63 letters, digits, dots and hyphens`,
    });
  }
  const definitions = definitionsOf(topology, name);
  for (const { definition, path } of definitions) {
    for (const [key, value] of Object.entries(definition)) {
      if (value === undefined || WITHOUT_EFFECT.includes(key)) continue;
      const message = `the embedded engine's linux nodes have no ${key}`;
      notEmbedded.push({ place: document.placeOfKey([...path, key]), message, remedy: EMBEDDED });
    }
  }
  const mode = inherited(topology, name, 'network-mode');
  if (mode?.value !== 'none') {
    const message = `the embedded engine gives "${name}" the links of the topology and no management network`;
    const remedy = `Write \`network-mode: none\` for it, or use --engine containerlab.`;
    notEmbedded.push({ place: mode ? document.placeOf(mode.path) : place, message, remedy });
  }
  const general = definitions.toReversed(); // what is said for one comes over what is said for all
  const image = inherited(topology, name, 'image');
  if (!image) problems.push({ place, message: `the node "${name}" has no image` });
  return {
    name,
    place,
    ...(image && { image: image.value }),
    exec: execOf(document, definitions, problems, notEmbedded),
    env: Object.fromEntries(
      general.flatMap(({ definition }) =>
        Object.entries(definition.env ?? {}).map(([key, value]) => [key, `${value}`]),
      ),
    ),
  };
}

/** containerlab runs what is said for all before what is said for one. */
function execOf(
  document: SourceDocument,
  definitions: ReturnType<typeof definitionsOf>,
  problems: Problem[],
  notEmbedded: Problem[],
): string[][] {
  return definitions
    .toReversed()
    .flatMap(({ definition, path }) =>
      (definition.exec ?? []).map((command, i) =>
        words(document, [...path, 'exec', i], command, problems, notEmbedded),
      ),
    );
}

function words(
  document: SourceDocument,
  path: Path,
  command: string,
  problems: Problem[],
  notEmbedded: Problem[],
): string[] {
  const found = commandWords(command);
  if (!found || found.length === 0) {
    const message = found ? `${showPath(path)} is empty` : `${showPath(path)}: a quotation mark is not closed`;
    problems.push(problemAt(document, path, message));
  }
  if (/__clab/.test(command)) {
    notEmbedded.push(
      problemAt(document, path, `${showPath(path)}: the embedded engine fills in no variables`, EMBEDDED),
    );
  }
  return found ?? [];
}

interface LinkPlace {
  link: LinkDefinition;
  path: Path;
  /** The ends of the links before. */
  taken: Set<string>;
  problems: Problem[];
  notEmbedded: Problem[];
}

function linkOf(document: SourceDocument, topology: TopologyBody, at: LinkPlace): Link[] {
  const { link, path, problems, notEmbedded } = at;
  if (link.type !== undefined) {
    const message = `${showPath([...path, 'type'])}: the embedded engine makes links of the brief form only`;
    const remedy = 'Write `- endpoints: ["NODE:INTERFACE", "NODE:INTERFACE"]`, or use --engine containerlab.';
    notEmbedded.push(problemAt(document, [...path, 'type'], message, remedy));
    return [];
  }
  for (const [key, value] of Object.entries(link)) {
    if (value === undefined || ['endpoints', 'mtu', 'labels'].includes(key)) continue;
    const message = `the embedded engine's links have no ${key}`;
    notEmbedded.push({ place: document.placeOfKey([...path, key]), message, remedy: EMBEDDED });
  }
  const { endpoints = [] } = link;
  if (endpoints.length !== 2) {
    const has = endpoints.length === 1 ? '1 end' : `${endpoints.length} ends`;
    problems.push(problemAt(document, path, `a link has two ends; ${showPath(path)} has ${has}`));
    return [];
  }
  const ends = endpoints.flatMap((text, i) => linkEnd(document, topology, text, [...path, 'endpoints', i], at));
  const [a, b] = ends;
  return a && b ? [{ ends: [a, b], mtu: link.mtu ?? LINK_MTU }] : [];
}

/** Names that containerlab accepts as nodes although the topology has none of that name. */
const PLACES_OUTSIDE = ['host', 'mgmt-net', 'macvlan'];

function linkEnd(
  document: SourceDocument,
  topology: TopologyBody,
  text: unknown,
  path: Path,
  { taken, problems, notEmbedded }: LinkPlace,
): LinkEnd[] {
  const [, node = '', name = ''] = typeof text === 'string' ? (/^([^:]+):([^:]+)$/.exec(text) ?? []) : [];
  const wrong = (message: string) => {
    problems.push(problemAt(document, path, message));
    return [];
  };
  if (node === '') return wrong(`${showPath(path)} must be a node and an interface, such as "alice:eth1"`);
  if (PLACES_OUTSIDE.includes(node) && !topology.nodes[node]) {
    notEmbedded.push(problemAt(document, path, `the embedded engine has no links to "${node}"`, EMBEDDED));
    return [];
  }
  const kinds = Object.entries(topology.nodes).map(([key, own]) => [key, kindOf(topology, own)] as const);
  const linux = kinds.flatMap(([key, kind]) => (kind === 'linux' || kind === 'ext-container' ? [key] : []));
  if (!linux.includes(node)) {
    const kind = kinds.find(([key]) => key === node)?.[1];
    return wrong(
      kind === undefined
        ? `there is no node "${node}"${didYouMean(node, linux)}`
        : `the node "${node}" is of kind ${kind}; links are for nodes of kind linux and ext-container`,
    );
  }
  // The kernel's limit (IFNAMSIZ); the rest is what `ip link` takes.
  if (!/^[a-zA-Z0-9_.-]{1,15}$/.test(name) || ['lo', '.', '..', 'all', 'default'].includes(name)) {
    return wrong(
      `"${name}" cannot name an interface of a link; it may have up to 15 letters, digits, dots, hyphens and underscores`,
    );
  }
  const kind = kinds.find(([key]) => key === node)?.[1];
  if (name === 'eth0' && (kind === 'ext-container' || inherited(topology, node, 'network-mode')?.value !== 'none')) {
    return wrong(`eth0 of "${node}" is its interface on the management network; begin with eth1`);
  }
  const end = `${node}:${name}`;
  if (taken.has(end)) return wrong(`"${end}" is the end of another link already`);
  taken.add(end);
  return [{ node, interface: name }];
}
