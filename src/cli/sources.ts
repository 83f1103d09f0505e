import { resolve } from 'node:path';

/** Where the parts of a lab come from, if not from where it says. */
export interface Sources {
  nodeImage?: string;
  calicoVersion?: string;
  calicoManifests?: string;
}

/** Passes them on to the commands of a workshop, which are processes of their own and run in another folder. */
export function passOnSources({ nodeImage, calicoVersion, calicoManifests }: Sources, env = process.env): void {
  if (nodeImage !== undefined) env.WGLAB_NODE_IMAGE = nodeImage;
  if (calicoVersion !== undefined) env.WGLAB_CALICO_VERSION = calicoVersion;
  if (calicoManifests !== undefined) env.WGLAB_CALICO_MANIFESTS = resolve(calicoManifests);
}
