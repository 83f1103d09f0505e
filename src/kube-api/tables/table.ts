import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../resources.ts';
import type { JsonObject } from '../schema/json.ts';
import { type Printer, plainPrinter } from './columns.ts';
import { nodePrinter } from './nodes.ts';
import {
  configMapPrinter,
  endpointSlicePrinter,
  endpointsPrinter,
  eventPrinter,
  leasePrinter,
  namespacePrinter,
  secretPrinter,
  serviceAccountPrinter,
  servicePrinter,
} from './others.ts';
import { podPrinter } from './pods.ts';
import { controllerRevisionPrinter, daemonSetPrinter, deploymentPrinter, replicaSetPrinter } from './workloads.ts';

const PRINTERS = new Map<string, Printer>(
  Object.entries({
    ConfigMap: configMapPrinter,
    ControllerRevision: controllerRevisionPrinter,
    DaemonSet: daemonSetPrinter,
    Deployment: deploymentPrinter,
    Endpoints: endpointsPrinter,
    EndpointSlice: endpointSlicePrinter,
    Event: eventPrinter,
    Lease: leasePrinter,
    Namespace: namespacePrinter,
    Node: nodePrinter,
    Pod: podPrinter,
    ReplicaSet: replicaSetPrinter,
    Secret: secretPrinter,
    Service: servicePrinter,
    ServiceAccount: serviceAccountPrinter,
  }),
);

/** Prints kinds that are not Kubernetes' own in columns of their own. */
export function addPrinters(printers: Readonly<Record<string, Printer>>): void {
  for (const [kind, printer] of Object.entries(printers)) PRINTERS.set(kind, printer);
}

export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface TableOptions {
  resource: Resource;
  includeObject: IncludeObject;
  resourceVersion: string;
  /** Milliseconds since 1970: what ages count from. */
  now: number;
  /** Only the first event of a watch tells the columns. */
  withoutColumns?: boolean;
}

/** Makes what kubectl prints: a `Table` of meta.k8s.io/v1. */
export function tableOf(objects: readonly KubeObject[], options: TableOptions): JsonObject {
  const printer = PRINTERS.get(options.resource.kind) ?? plainPrinter;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: options.resourceVersion },
    ...(options.withoutColumns ? { columnDefinitions: null } : { columnDefinitions: printer.columns }),
    rows: objects.map((object) => ({
      cells: printer.cells(object, options.now),
      ...rowObject(object, options.includeObject),
    })),
  };
}

function rowObject(object: KubeObject, include: IncludeObject): JsonObject {
  if (include === 'None') return { object: null };
  if (include === 'Object') return { object };
  return {
    object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
  };
}
