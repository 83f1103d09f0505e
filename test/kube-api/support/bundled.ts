/** The parts that the tests of the API take from a bundle if they run against one. */

export { CALICO_SCHEME } from '../../../src/cni/calico/scheme.ts';
export { RuntimeRefusal } from '../../../src/kube-api/runtime.ts';
export { addToScheme } from '../../../src/kube-api/scheme.ts';
export { startApiServer } from '../../../src/kube-api/server.ts';
export { Store, StoreError, same } from '../../../src/kube-api/store.ts';
export { effectWarnings } from '../../../src/kube-api/without-effect.ts';
