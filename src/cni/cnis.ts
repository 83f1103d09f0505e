import type { CniName } from '../lab/cni-name.ts';
import type { Cni } from './cni.ts';

const LOAD: { [name in CniName]: () => Promise<Cni> } = {
  cilium: async () => (await import('./cilium/cilium-cni.ts')).ciliumCni,
  calico: async () => (await import('./calico/calico-cni.ts')).calicoCni,
};

/** Returns the CNI of that name, loaded only now. */
export function cniOf(name: CniName): Promise<Cni> {
  return LOAD[name]();
}
