import { resolve } from 'node:path';

/** Sources of a lab's parts that replace those the lab names. */
export interface Sources {
  nodeImage?: string;
  calicoVersion?: string;
  calicoManifests?: string;
}

/** Passes the sources on to a workshop's commands, which are separate processes and run in another folder. */
export function passOnSources({ nodeImage, calicoVersion, calicoManifests }: Sources, env = process.env): void {
  if (nodeImage !== undefined) env.WGLAB_NODE_IMAGE = nodeImage;
  if (calicoVersion !== undefined) env.WGLAB_CALICO_VERSION = calicoVersion;
  if (calicoManifests !== undefined) env.WGLAB_CALICO_MANIFESTS = resolve(calicoManifests);
}
