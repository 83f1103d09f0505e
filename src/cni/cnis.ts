import type { LabDefinition } from '../lab/lab-definition.ts';
import type { Cni } from './cni.ts';

type CniName = LabDefinition['cni']['name'];

const LOAD: { [name in CniName]: () => Promise<Cni> } = {
  calico: async () => (await import('./calico/calico-cni.ts')).calicoCni,
};

/** Returns the CNI of that name, loaded only now. */
export function cniOf(name: CniName): Promise<Cni> {
  return LOAD[name]();
}
