import { imagesOfLab } from '../../lab/images.ts';
import type { Cni } from '../cni.ts';
import { ciliumImages, installCilium } from './install.ts';

/** Cilium, with VXLAN between the nodes. */
export const ciliumCni: Cni = {
  install: (cluster, { lab, wishes, apply, reporter, signal }) =>
    installCilium(cluster, {
      manifests: lab.cniManifests,
      apply,
      reporter,
      signal,
      ...(wishes.ciliumManifest === undefined ? {} : { manifestFile: wishes.ciliumManifest }),
    }),

  async podImages(lab, { ciliumManifest }) {
    const own = ciliumManifest === undefined ? [] : await ciliumImages(ciliumManifest);
    return [...new Set([...own, ...imagesOfLab(lab)])];
  },
};
