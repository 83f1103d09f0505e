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
 * All images that a lab needs on a real cluster; the one with capture tools only where this machine has no such tools to copy, or
 * where another machine is to get the images (`elsewhere`), of which nobody knows.
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

/** Whether this machine has the tools that nodes can get copies of. */
export function hasCaptureTools(): boolean {
  return findTool('tcpdump') !== undefined && findTool('wg') !== undefined;
}
