import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { labFailure, usageFailure } from '../errors.ts';
import { ENGINE_NAMES, type EngineName } from '../state/engine-name.ts';
import { CNI_NAMES, type CniName } from './cni-name.ts';
import { onlyDocument, type Path, parseDocuments, type SourceDocument } from './document.ts';
import { frontMatter } from './front-matter.ts';
import { readInputFile, requireFiles } from './input-file.ts';
import { packageRoot } from './package-root.ts';
import { check } from './schema.ts';
import { didYouMean } from './suggest.ts';

/** The front matter of a lab's Markdown file; paths are absolute. */
export interface LabDefinition {
  /** The file's name without `.md`. */
  name: string;
  file: string;
  title: string;
  /** How long a person takes for it. */
  minutes: number;
  /** A containerlab topology. */
  topology: string;
  cni: { name: CniName; version?: string; manifests: string[] };
  /** Manifests of what runs in the lab. */
  workloads: string[];
  engines: EngineName[];
}

/** Returns the labs that come with wglab, by name. Throws a usage failure if one of them is wrong. */
export async function listLabs(folder = join(packageRoot(), 'labs')): Promise<LabDefinition[]> {
  return Promise.all((await labNames(folder)).map((name) => readLabDefinition(join(folder, `${name}.md`))));
}

/**
 * Finds a lab by its name, or by the path of its file. In a workshop, whose commands run elsewhere, the name of its lab means its file
 * (WGLAB_LAB_FILE). Throws a usage failure that lists the labs.
 */
export async function findLab(nameOrPath: string, folder = join(packageRoot(), 'labs')): Promise<LabDefinition> {
  if (nameOrPath.includes('/') || nameOrPath.endsWith('.md')) return readLabDefinition(resolve(nameOrPath));
  const { WGLAB_LAB_FILE: ofWorkshop } = process.env;
  if (ofWorkshop && basename(ofWorkshop, '.md') === nameOrPath) return readLabDefinition(ofWorkshop);
  const names = await labNames(folder);
  if (names.includes(nameOrPath)) return readLabDefinition(join(folder, `${nameOrPath}.md`));
  throw usageFailure(`there is no lab ${JSON.stringify(nameOrPath)}${didYouMean(nameOrPath, names)}`, {
    remedy: `The labs are ${names.join(', ')}; the path of a lab's own Markdown file will do as well.`,
  });
}

/** Reads the front matter of a lab's file. Throws a usage failure with places. */
export async function readLabDefinition(file: string): Promise<LabDefinition> {
  const document = onlyDocument(parseDocuments(frontMatter(await readInputFile(file), file).yaml, file), file);
  const lab = labDefinitionOf(document);
  const manifests = (path: Path, files: string[]) =>
    files.map((name, i) => ({ file: name, place: document.placeOf([...path, i]) }));
  await requireFiles([
    { file: lab.topology, place: document.placeOf(['topology']) },
    ...manifests(['cni', 'manifests'], lab.cni.manifests),
    ...manifests(['workloads'], lab.workloads),
  ]);
  return lab;
}

/** `readLabDefinition` for front matter that is already read; the files that it names are relative to `document.file`. */
export function labDefinitionOf(document: SourceDocument): LabDefinition {
  const { cni, topology, workloads, ...rest } = check(document, frontMatterSchema);
  const beside = (path: string) => resolve(dirname(document.file), path);
  return {
    name: basename(document.file, '.md'),
    file: document.file,
    ...rest,
    topology: beside(topology),
    cni: { ...cni, manifests: cni.manifests.map(beside) },
    workloads: workloads.map(beside),
  };
}

/** Returns a lab with another CNI, set up as wglab's own manifests say. Its own manifests stay if it names that one already. */
export function withCni(definition: LabDefinition, cni: CniName | undefined): LabDefinition {
  if (cni === undefined || cni === definition.cni.name) return definition;
  const file = (name: string) => join(packageRoot(), 'manifests', name);
  const manifests = {
    calico: ['calico/installation.yaml', 'calico/felixconfiguration.yaml'],
    cilium: ['cilium/cilium-config.yaml'],
  }[cni];
  return { ...definition, cni: { name: cni, manifests: manifests.map(file) } };
}

async function labNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((cause) => {
    throw labFailure(`the labs that come with wglab are not at ${folder}`, { remedy: 'Install wglab again.', cause });
  });
  return entries
    .filter((entry) => entry.endsWith('.md') && entry !== 'README.md')
    .map((entry) => basename(entry, '.md'))
    .sort();
}

const text = z.string().check(z.minLength(1, 'must not be empty'));
const atLeastOne = 'must name at least one';

export const frontMatterSchema = z.strictObject({
  title: text,
  minutes: z.int().check(z.minimum(1, 'must be at least 1')),
  topology: text,
  cni: z.strictObject({
    name: z.enum(CNI_NAMES),
    version: z.optional(text),
    manifests: z.array(text).check(z.minLength(1, atLeastOne)),
  }),
  workloads: z.array(text).check(z.minLength(1, atLeastOne)),
  engines: z.array(z.enum(ENGINE_NAMES)).check(z.minLength(1, atLeastOne)),
});
