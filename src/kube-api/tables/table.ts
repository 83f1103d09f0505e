import type { Resource } from '../resources.ts';
import type { JsonObject } from '../schema/json.ts';
import type { KubeObject } from '../store.ts';
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
  tigeraStatusPrinter,
} from './others.ts';
import { podPrinter } from './pods.ts';
import { controllerRevisionPrinter, daemonSetPrinter, deploymentPrinter, replicaSetPrinter } from './workloads.ts';

const PRINTERS: Readonly<Record<string, Printer>> = {
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
  TigeraStatus: tigeraStatusPrinter,
};

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

/** What kubectl prints, made by the server: `Table` of meta.k8s.io/v1. */
export function tableOf(objects: readonly KubeObject[], options: TableOptions): JsonObject {
  const printer = PRINTERS[options.resource.kind] ?? plainPrinter;
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
