import type { Lab } from './lab.ts';
import type { Manifest } from './manifests.ts';

/** Returns the images that the pods of a lab's manifests use, each once. */
export function imagesOfLab(lab: Lab): string[] {
  return imagesOfManifests([...lab.cniManifests, ...lab.workloads]);
}

export function imagesOfManifests(manifests: readonly Manifest[]): string[] {
  return [...new Set(manifests.flatMap(({ object }) => imagesIn(object.spec)))];
}

/** Returns the images of all containers in an object, however deep its pod template is. */
function imagesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const containers = /^(init|ephemeral)?containers$/i.test(key) && Array.isArray(inner) ? inner : [];
    const named = containers.flatMap(({ image }: { image?: unknown }) => (typeof image === 'string' ? [image] : []));
    return [...named, ...imagesIn(inner)];
  });
}
