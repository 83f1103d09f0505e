import { join } from 'node:path';
import type { Lab } from '../../lab/lab.ts';
import { stateRoot } from '../../state/state-root.ts';
import type { CalicoSource } from './release.ts';

/** Another version of Calico than the lab's; a folder with its release's manifests. */
export interface CalicoWishes {
  calicoVersion?: string;
  calicoManifests?: string;
}

/** Which Calico a lab gets, and from where. */
export function calicoSourceOf({ definition }: Lab, { calicoVersion, calicoManifests }: CalicoWishes): CalicoSource {
  const version = calicoVersion ?? definition.cni.version;
  return {
    ...(version === undefined ? {} : { version }),
    ...(calicoManifests === undefined ? {} : { folder: calicoManifests }),
    cache: cacheFolder(),
  };
}

/** For what was fetched and does not change. No lab has a name that begins with a dot. */
export function cacheFolder(): string {
  return join(stateRoot(), '.cache');
}
