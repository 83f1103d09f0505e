import type { KubernetesObject, V1DaemonSet, V1Deployment, V1Node, V1Pod } from '@kubernetes/client-node';

/** An object as the API server sends it: client-node's types with times as text, for they come as JSON. */
type AsJson<T> = T extends Date ? string : T extends object ? { [Field in keyof T]: AsJson<T[Field]> } : T;

/** The fields of every object of a cluster. */
export type KubeObject = AsJson<KubernetesObject>;
export type Node = AsJson<V1Node>;
export type Pod = AsJson<V1Pod>;
export type DaemonSet = AsJson<V1DaemonSet>;
export type Deployment = AsJson<V1Deployment>;
