import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { Failure, labFailure, messageOf, usageFailure } from '../../errors.ts';
import type { AppliedObject } from '../../kube/object.ts';
import { readNamedText } from '../../state/regular-file.ts';
import { makePrivateFolder, writeWhole } from '../../state/whole-file.ts';

/** The version that the labs are written for (their front matter says the same). */
export const DEFAULT_CALICO = 'v3.32.1';

/** Which Calico, and where its manifests come from. */
export interface CalicoSource {
  /** A release's tag, `v3.32.1`, which is the default. */
  version?: string;
  /** A folder that holds the release's manifests; else they come from its URLs. */
  folder?: string;
  /** A folder in which downloads are kept, one folder a version: a release does not change. */
  cache?: string;
}

/** An object of a release's manifest: what it is, and its text as it is there. */
export interface ReleaseObject {
  object: AppliedObject;
  text: string;
}

/** In the order that works: the operator crashes without its CustomResourceDefinitions (calico.md §6, from the release's own docs). */
export const RELEASE_FILES = ['operator-crds.yaml', 'tigera-operator.yaml'] as const;

/** The largest, with all CustomResourceDefinitions, takes 2 MB. */
const MOST_BYTES = 32 * 1024 * 1024;

/** How long a manifest may take to be fetched, in ms. */
export const FETCH_MS = 60_000;

/** The URL of a release's manifest. */
export function manifestUrl(version: string, file: string): string {
  return `https://raw.githubusercontent.com/projectcalico/calico/${version}/manifests/${file}`;
}

/** Returns the operator's manifests, its CustomResourceDefinitions first. Throws a Failure that names the file or URL. */
export async function readRelease(source: CalicoSource, signal?: AbortSignal): Promise<ReleaseObject[]> {
  const texts = await Promise.all(RELEASE_FILES.map((file) => readManifest(source, file, signal)));
  return texts.flatMap(objectsIn);
}

/** The text of a release's manifest, from the folder or the release's URL. */
export async function readManifest(
  { version = DEFAULT_CALICO, folder, cache }: CalicoSource,
  file: (typeof RELEASE_FILES)[number],
  signal?: AbortSignal,
): Promise<string> {
  if (!/^v\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
    throw usageFailure(`"${version}" is no version of Calico such as ${DEFAULT_CALICO}`);
  }
  if (folder !== undefined) {
    const path = join(folder, file);
    return readNamedText(path, MOST_BYTES).catch((error) => {
      throw usageFailure(`cannot read ${path}: ${messageOf(error)}`, {
        remedy: `--calico-manifests wants a folder with ${RELEASE_FILES.join(' and ')}, as the release has them.`,
      });
    });
  }
  const before = await keptManifest({ version, cache }, file);
  if (before !== undefined) return before;
  const text = await fetchManifest(version, file, signal);
  if (cache !== undefined) {
    const kept = cacheFile(cache, version, file);
    await makePrivateFolder(dirname(kept));
    await writeWhole(kept, text);
  }
  return text;
}

/** Returns the text of a release's manifest that was fetched before; undefined if it was not. */
export async function keptManifest(
  { version = DEFAULT_CALICO, cache }: { version?: string; cache?: string | undefined },
  file: (typeof RELEASE_FILES)[number],
): Promise<string | undefined> {
  if (cache === undefined) return undefined;
  return readFile(cacheFile(cache, version, file), 'utf8').catch(() => undefined); // it is fetched then
}

function cacheFile(cache: string, version: string, file: string): string {
  return join(cache, `calico-${version}`, file);
}

async function fetchManifest(version: string, file: string, signal?: AbortSignal): Promise<string> {
  const url = manifestUrl(version, file);
  const limit = AbortSignal.timeout(FETCH_MS);
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
    if (response.ok) return await response.text();
    if (response.status === 404) throw usageFailure(`Calico has no release ${version}: there is no ${url}`);
    throw new Error(`the server answered ${response.status}`);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Failure) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw labFailure(`cannot fetch ${url}: ${messageOf(error)}${cause}`, {
      remedy: 'Where there is no network, give a folder with these files: --calico-manifests FOLDER.',
    });
  }
}

/**
 * The objects of a manifest, each with its text. The 3 MB of the CustomResourceDefinitions take 2 s to parse, and nothing in them is
 * wanted but their names; so those are found in the text, and the server gets it as it is.
 */
export function objectsIn(manifest: string): ReleaseObject[] {
  return manifest.split(/^---.*$/m).flatMap((text) => {
    const apiVersion = /^apiVersion: *["']?([^\s"']+)/m.exec(text)?.[1];
    const kind = /^kind: *["']?([^\s"']+)/m.exec(text)?.[1];
    if (apiVersion === undefined || kind === undefined) return [];
    if (kind === 'CustomResourceDefinition') {
      const name = /^metadata:\n(?:^[ #].*\n)*?^ {2}name: *["']?([^\s"']+)/m.exec(text)?.[1];
      if (name !== undefined) return [{ object: { apiVersion, kind, metadata: { name } }, text }];
    }
    return [{ object: parse(text) as AppliedObject, text }];
  });
}
