import { imagesOfLab } from '../../lab/images.ts';
import type { Cni } from '../cni.ts';
import { calicoImages } from './images.ts';
import { installCalico } from './install.ts';
import { DEFAULT_CALICO, readManifest } from './release.ts';
import { calicoSourceOf } from './source.ts';

/** Calico, with VXLAN between the nodes. */
export const calicoCni: Cni = {
  install: (cluster, { lab, wishes, apply, reporter, signal }) =>
    installCalico(cluster, {
      source: calicoSourceOf(lab, wishes),
      manifests: lab.cniManifests,
      apply,
      signal,
      step: (text) => reporter.step(text),
      update: (text) => reporter.update(text),
      timed: reporter.timed,
    }),

  async podImages(lab, wishes) {
    const source = calicoSourceOf(lab, wishes);
    const operator = await readManifest(source, 'tigera-operator.yaml');
    const own = calicoImages(source.version ?? DEFAULT_CALICO, operator, lab.cniManifests);
    return [...new Set([...own, ...imagesOfLab(lab)])];
  },
};
