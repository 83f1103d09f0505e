import * as z from 'zod/mini';
import type { KubeObject } from '../kube/object.ts';
import { type Path, readDocuments, type SourceDocument } from './document.ts';
import { inputFailure, type Place, type Problem, showPlace } from './problem.ts';
import { check } from './schema.ts';

/** A Kubernetes object as a file has it. What is inside is the API server's to judge: see `placeOfField`. */
export interface Manifest {
  readonly object: KubeObject;
  readonly document: SourceDocument;
}

/**
 * Reads the objects of manifest files, in order. Throws a usage failure for what is no Kubernetes object, for an object that
 * appears twice, and for a file without any.
 */
export async function readManifests(files: readonly string[]): Promise<Manifest[]> {
  const documents = await Promise.all(files.map(readDocuments));
  documents.forEach((ofFile, i) => {
    if (ofFile.length > 0) return;
    throw inputFailure([
      { place: { file: files[i] ?? '', line: 1, column: 1 }, message: 'there is no Kubernetes object here' },
    ]);
  });
  return manifestsOf(documents.flat());
}

/** Does the same as `readManifests` for documents that are read already. */
export function manifestsOf(documents: readonly SourceDocument[]): Manifest[] {
  const manifests = documents.map((document) => ({ object: objectOf(document), document }));
  const first = new Map<string, Manifest>();
  const problems: Problem[] = [];
  for (const manifest of manifests) {
    const identity = identityOf(manifest.object);
    const before = first.get(identity);
    if (!before) first.set(identity, manifest);
    else {
      const { kind, metadata } = manifest.object;
      const message = `${kind} "${metadata.name}" is here a second time; the first is at ${showPlace(before.document.placeOf([]))}`;
      problems.push({ place: manifest.document.placeOf([]), message });
    }
  }
  if (problems.length > 0) throw inputFailure(problems);
  return manifests;
}

/**
 * Returns the place of a field that the API server names, as in `unknown field "spec.template.spec.containers[0].foo"` or
 * `metadata.labels[app.kubernetes.io/name]`. For a field that is not in the file it is the place of the nearest above it.
 */
export function placeOfField(manifest: Manifest, field: string): Place {
  const path: Path = [...field.matchAll(/\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g)].map(([, index, key, name]) =>
    index === undefined ? (key ?? name ?? '') : Number(index),
  );
  return manifest.document.placeOfKey(path);
}

function objectOf(document: SourceDocument): KubeObject {
  const object = check(document, objectSchema);
  if (object.kind === 'List') {
    const message = 'kind List is not read; write each of its items as a document of its own, with --- between them';
    throw inputFailure([{ place: document.placeOf(['kind']), message }]);
  }
  return object;
}

/** Two objects of one group, kind, namespace and name are the same to Kubernetes, in any version of the group. */
function identityOf({ apiVersion, kind, metadata }: KubeObject): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return [group, kind, metadata.namespace ?? 'default', metadata.name].join('\n');
}

const objectSchema = z.looseObject({
  apiVersion: z.string().check(z.minLength(1, 'must not be empty')),
  kind: z.string().check(z.minLength(1, 'must not be empty')),
  metadata: z.looseObject({
    name: z.string().check(z.minLength(1, 'must not be empty')),
    namespace: z.optional(z.string()),
    labels: z.optional(z.record(z.string(), z.string())),
    annotations: z.optional(z.record(z.string(), z.string())),
  }),
  spec: z.optional(z.record(z.string(), z.unknown())),
  status: z.optional(z.record(z.string(), z.unknown())),
});
