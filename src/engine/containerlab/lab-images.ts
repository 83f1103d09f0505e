import { calicoImages } from '../../cni/calico/images.ts';
import { type CalicoSource, DEFAULT_CALICO, readManifest } from '../../cni/calico/release.ts';
import { imagesOfLab } from '../../lab/images.ts';
import type { Lab } from '../../lab/lab.ts';
import { findTool } from '../../machine/tools.ts';
import { TOOLS_IMAGE } from './tools-image.ts';

/** The images that the pods of a lab want: Calico's, and those of its manifests. */
export async function podImages(lab: Lab, source: CalicoSource, signal?: AbortSignal): Promise<string[]> {
  const operator = await readManifest(source, 'tigera-operator.yaml', signal);
  return [
    ...new Set([...calicoImages(source.version ?? DEFAULT_CALICO, operator, lab.cniManifests), ...imagesOfLab(lab)]),
  ];
}

/**
 * Returns all images that a lab needs on a real cluster; the one with capture tools only if this machine has no such tools to copy, or
 * if the images are for another machine (`elsewhere`), about which nothing is known.
 */
export async function allImages(
  lab: Lab,
  source: CalicoSource,
  { signal, elsewhere = false }: { signal?: AbortSignal; elsewhere?: boolean } = {},
): Promise<string[]> {
  const { image, linux } = lab.topology;
  return [
    ...new Set([
      ...[image, ...linux.map((node) => node.image)].filter((name) => name !== undefined),
      ...(await podImages(lab, source, signal)),
      ...(elsewhere || !hasCaptureTools() ? [TOOLS_IMAGE] : []),
    ]),
  ];
}

/** Returns whether this machine has the tools that nodes can get copies of. */
export function hasCaptureTools(): boolean {
  return findTool('tcpdump') !== undefined && findTool('wg') !== undefined;
}
