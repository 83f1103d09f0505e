import type { KubeObject } from '../../kube/object.ts';
import { type ControllerContext, reconcileOnChange } from './controller.ts';
import { isTerminating } from './pods.ts';

/** Makes the service account `default` in every namespace. */
export function runNamespaces(context: ControllerContext): () => void {
  const { store, cache } = context;
  return reconcileOnChange(context, 'serviceaccount-controller', ['Namespace', 'ServiceAccount'], () => {
    for (const namespace of cache.list('Namespace')) {
      const { name } = namespace.metadata;
      if (isTerminating(namespace) || cache.get('ServiceAccount', name, 'default')) continue;
      store.create(defaultServiceAccount(name));
    }
  });
}

export function defaultServiceAccount(namespace: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } };
}
