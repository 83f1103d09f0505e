import { calicoImages } from '../../../cni/calico/images.ts';
import { DEFAULT_CALICO, keptManifest } from '../../../cni/calico/release.ts';
import { calicoSourceOf } from '../../../cni/calico/source.ts';
import { imagesOfLab } from '../../../lab/images.ts';
import type { Lab } from '../../../lab/lab.ts';
import type { Check } from '../../../machine/check.ts';
import { imagesHere } from '../docker.ts';
import { nameHere } from '../images.ts';
import { hasCaptureTools } from '../lab-images.ts';
import { TOOLS_IMAGE } from '../tools-image.ts';

/** How many missing images are named. */
const NAMED = 3;

/** The node image, and everything else that a deployment of the lab would fetch. Without network: what is not known is not here. */
export async function imageChecks(lab: Lab): Promise<Check[]> {
  return Promise.all([nodeImageCheck(lab), otherImagesCheck(lab)]);
}

async function nodeImageCheck({ topology }: Lab): Promise<Check> {
  const image = topology.image ?? 'the default of the kind inside of containerlab';
  const check = { name: 'node image', needed: image };
  const here = topology.image === undefined ? undefined : await nameHere(topology.image);
  if (here !== undefined) return { ...check, ok: true, seen: 'here' };
  return { ...check, ok: 'warning', seen: 'not here: it is pulled when a lab is deployed', remedy: 'wglab pull' };
}

async function otherImagesCheck(lab: Lab): Promise<Check> {
  const source = calicoSourceOf(lab, {});
  const version = source.version ?? DEFAULT_CALICO;
  const operator = await keptManifest(source, 'tigera-operator.yaml');
  const images = [
    ...new Set([
      ...lab.topology.linux.flatMap(({ image }) => image ?? []),
      ...calicoImages(version, operator ?? '', lab.cniManifests),
      ...imagesOfLab(lab),
      ...(hasCaptureTools() ? [] : [TOOLS_IMAGE]),
    ]),
  ];
  const here = new Set(await imagesHere(images));
  const missing = [
    ...(operator === undefined ? [`Calico's manifests and the operator of ${version}`] : []),
    ...images.filter((image) => !here.has(image)),
  ];
  const check = { name: 'other images', needed: `${images.length}, for Calico ${version} and the lab's pods` };
  if (missing.length === 0) return { ...check, ok: true, seen: `all ${images.length} are here` };
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : '';
  const seen = `not here: ${missing.slice(0, NAMED).join(', ')}${more}; they are pulled when a lab is deployed`;
  return { ...check, ok: 'warning', seen, remedy: 'wglab pull' };
}
