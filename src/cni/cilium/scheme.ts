import { type Resource, resource } from '../../kube-api/resources.ts';
import { objectAt } from '../../kube-api/schema/json.ts';
import type { SchemeExtension } from '../../kube-api/scheme.ts';
import { column, NAME, nameOf, type Printer } from '../../kube-api/tables/columns.ts';
import { age } from '../../kube-api/tables/duration.ts';
import { CILIUM_API, type CiliumNodeObject, readCiliumNode } from './cilium-node.ts';

const STRUCTS = `
CiliumNode
  apiVersion kind metadata:ObjectMeta spec:any status:any
CiliumEndpoint
  apiVersion kind metadata:ObjectMeta status:any
`;

const RESOURCES: readonly Resource[] = [
  resource(CILIUM_API, 'CiliumEndpoint', { short: ['cep', 'ciliumep'], custom: true, subresources: ['status'] }),
  resource(CILIUM_API, 'CiliumNode', {
    short: ['cn', 'ciliumn'],
    cluster: true,
    custom: true,
    subresources: ['status'],
  }),
];

/** Prints CiliumNodes in the columns of Cilium's own CustomResourceDefinition. */
const nodePrinter: Printer = {
  columns: [NAME, column('CiliumInternalIP'), column('InternalIP'), column('Age', { type: 'date' })],
  cells(object, now) {
    const node = readCiliumNode(object as CiliumNodeObject);
    const created = objectAt(object, 'metadata').creationTimestamp;
    return [nameOf(object), node.internalAddress ?? '', node.address ?? '', age(created, now)];
  },
};

/** Prints CiliumEndpoints in the columns of Cilium's own CustomResourceDefinition. */
const endpointPrinter: Printer = {
  columns: [NAME, column('Security Identity'), column('Endpoint State'), column('IPv4'), column('IPv6')],
  cells(object) {
    const { state, identity, networking } = objectAt(object, 'status') as {
      state?: string;
      identity?: { id?: number };
      networking?: { addressing?: { ipv4?: string; ipv6?: string }[] };
    };
    const [address] = networking?.addressing ?? [];
    return [nameOf(object), String(identity?.id ?? ''), state ?? '', address?.ipv4 ?? '', address?.ipv6 ?? ''];
  },
};

/** Cilium's kinds, as the API server serves them. */
export const CILIUM_SCHEME: SchemeExtension = {
  structs: STRUCTS,
  resources: RESOURCES,
  defaults: {},
  rules: {},
  withoutEffect: {},
  printers: { CiliumNode: nodePrinter, CiliumEndpoint: endpointPrinter },
};
