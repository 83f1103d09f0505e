import type { KubeObject } from '../../kube/object.ts';
import type { LabelSelector, SelectorRequirement } from '../../kube/selectors.ts';

/**
 * The kinds that the controllers work on, as far as they read or write them. They are type aliases and not interfaces, so
 * that they stay assignable to the store's `Record<string, unknown>`.
 */
export type Condition = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastHeartbeatTime?: string;
  lastProbeTime?: string | null;
};

export type Taint = { key: string; value?: string; effect: string };
export type Toleration = {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
};

export type NodeSelectorTerm = { matchExpressions?: SelectorRequirement[]; matchFields?: SelectorRequirement[] };
export type NodeAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] };
  preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeSelectorTerm }[];
};
export type PodAffinityTerm = {
  topologyKey: string;
  labelSelector?: LabelSelector;
  namespaces?: string[];
  namespaceSelector?: LabelSelector;
};
export type PodAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[];
  preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; podAffinityTerm: PodAffinityTerm }[];
};

type Container = {
  name: string;
  ports?: { name?: string; containerPort: number; protocol?: string }[];
  [field: string]: unknown;
};

export type PodSpec = {
  containers: Container[];
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  affinity?: { nodeAffinity?: NodeAffinity; podAffinity?: PodAffinity; podAntiAffinity?: PodAffinity };
  tolerations?: Toleration[];
  hostNetwork?: boolean;
  hostname?: string;
  subdomain?: string;
  schedulerName?: string;
  schedulingGates?: { name: string }[];
  terminationGracePeriodSeconds?: number;
  [field: string]: unknown;
};
type PodStatus = { phase?: string; podIP?: string; conditions?: Condition[]; [field: string]: unknown };
export type PodTemplate = {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string>; [field: string]: unknown };
  spec: PodSpec;
};

type NodeSpec = { podCIDR?: string; unschedulable?: boolean; taints?: Taint[]; [field: string]: unknown };
type NodeStatus = {
  addresses?: { type: string; address: string }[];
  conditions?: Condition[];
  allocatable?: Record<string, string>;
  [field: string]: unknown;
};

export type DaemonSetSpec = {
  selector: LabelSelector;
  template: PodTemplate;
  updateStrategy?: {
    type?: string;
    rollingUpdate?: { maxUnavailable?: number | string; maxSurge?: number | string };
  };
};
export type DaemonSetStatus = {
  currentNumberScheduled: number;
  desiredNumberScheduled: number;
  numberAvailable: number;
  numberMisscheduled: number;
  numberReady: number;
  numberUnavailable: number;
  updatedNumberScheduled: number;
  observedGeneration: number;
};

export type ReplicaSetSpec = { replicas?: number; selector: LabelSelector; template: PodTemplate };
export type ReplicaSetStatus = {
  replicas: number;
  fullyLabeledReplicas: number;
  readyReplicas: number;
  availableReplicas: number;
  observedGeneration: number;
};

export type DeploymentSpec = {
  replicas?: number;
  selector: LabelSelector;
  template: PodTemplate;
  paused?: boolean;
  revisionHistoryLimit?: number;
  strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } };
};
export type DeploymentStatus = {
  replicas: number;
  updatedReplicas: number;
  readyReplicas: number;
  availableReplicas: number;
  unavailableReplicas: number;
  observedGeneration: number;
  conditions: Condition[];
};

export type ServicePort = { name?: string; port: number; protocol?: string; targetPort?: number | string };
export type ServiceSpec = {
  type?: string;
  clusterIP?: string;
  selector?: Record<string, string>;
  ports?: ServicePort[];
  publishNotReadyAddresses?: boolean;
  [field: string]: unknown;
};

export type EndpointAddress = {
  ip: string;
  hostname?: string;
  nodeName?: string;
  targetRef?: { kind: string; namespace?: string; name: string; uid?: string };
};
export type EndpointPort = { name?: string; port: number; protocol: string };
export type EndpointSubset = {
  addresses?: EndpointAddress[];
  notReadyAddresses?: EndpointAddress[];
  ports?: EndpointPort[];
};

export type Pod = KubeObject<PodSpec, PodStatus>;
export type Node = KubeObject<NodeSpec, NodeStatus>;
export type DaemonSet = KubeObject<DaemonSetSpec, DaemonSetStatus>;
export type ReplicaSet = KubeObject<ReplicaSetSpec, ReplicaSetStatus>;
export type Deployment = KubeObject<DeploymentSpec, DeploymentStatus>;
export type Service = KubeObject<ServiceSpec>;
export type Endpoints = KubeObject & { subsets?: EndpointSubset[] };

/** Each kind's name and the type of its objects. A CNI adds its own by declaration merging. */
export interface Kinds {
  Pod: Pod;
  Node: Node;
  Namespace: KubeObject;
  ServiceAccount: KubeObject;
  DaemonSet: DaemonSet;
  ReplicaSet: ReplicaSet;
  Deployment: Deployment;
  Service: Service;
  Endpoints: Endpoints;
  EndpointSlice: KubeObject;
}
