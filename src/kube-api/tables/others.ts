import type { KubeObject } from '../../kube/object.ts';
import { isObject, listAt, objectAt } from '../schema/json.ts';
import { AGE, ageOf, column, count, NAME, nameOf, type Printer, selectorText, wide } from './columns.ts';
import { age } from './duration.ts';

export const namespacePrinter: Printer = {
  columns: [NAME, column('Status'), AGE],
  cells: (ns, now) => [nameOf(ns), String(objectAt(ns, 'status').phase ?? ''), ageOf(ns, now)],
};

export const servicePrinter: Printer = {
  columns: [
    NAME,
    column('Type'),
    column('Cluster-IP'),
    column('External-IP'),
    column('Port(s)'),
    AGE,
    wide('Selector'),
  ],
  cells(service, now) {
    const spec = objectAt(service, 'spec');
    return [
      nameOf(service),
      String(spec.type ?? ''),
      String(spec.clusterIP || '<none>'),
      externalIp(service),
      servicePorts(service),
      ageOf(service, now),
      selectorText({ matchLabels: spec.selector }),
    ];
  },
};

function externalIp(service: KubeObject): string {
  const { type, externalName, externalIPs } = objectAt(service, 'spec');
  if (type === 'ExternalName') return String(externalName ?? '');
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress').map((i) => i.ip ?? i.hostname);
  const all = [...ingress, ...(Array.isArray(externalIPs) ? externalIPs : [])];
  if (all.length > 0) return all.join(',');
  return type === 'LoadBalancer' ? '<pending>' : '<none>';
}

function servicePorts(service: KubeObject): string {
  const ports = listAt(service, 'spec', 'ports');
  const texts = ports.map((p) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol ?? 'TCP'}`);
  return texts.join(',') || '<none>';
}

export const endpointsPrinter: Printer = {
  columns: [NAME, column('Endpoints'), AGE],
  cells(endpoints, now) {
    const all = listAt(endpoints, 'subsets').flatMap((subset) => {
      const ports = listAt(subset, 'ports');
      const addresses = listAt(subset, 'addresses').map((a) => String(a.ip));
      return ports.length === 0 ? addresses : ports.flatMap((p) => addresses.map((a) => `${a}:${p.port}`));
    });
    return [nameOf(endpoints), shortList(all, 3), ageOf(endpoints, now)];
  },
};

export const endpointSlicePrinter: Printer = {
  columns: [NAME, column('AddressType'), column('Ports'), column('Endpoints'), AGE],
  cells(slice, now) {
    const ports = listAt(slice, 'ports').map((p) => String(p.port ?? '*'));
    const addresses = listAt(slice, 'endpoints').flatMap((e) => (Array.isArray(e.addresses) ? e.addresses : []));
    return [
      nameOf(slice),
      String(slice.addressType ?? ''),
      shortList(ports, 3, '<unset>'),
      shortList(addresses, 3, '<unset>'),
      ageOf(slice, now),
    ];
  },
};

function shortList(items: readonly unknown[], limit: number, none = '<none>'): string {
  if (items.length === 0) return none;
  const more = items.length > limit ? ` + ${items.length - limit} more...` : '';
  return items.slice(0, limit).join(',') + more;
}

export const configMapPrinter: Printer = {
  columns: [NAME, count('Data'), AGE],
  cells: (map, now) => [nameOf(map), size(map.data) + size(map.binaryData), ageOf(map, now)],
};

export const secretPrinter: Printer = {
  columns: [NAME, column('Type'), count('Data'), AGE],
  cells: (secret, now) => [nameOf(secret), String(secret.type ?? ''), size(secret.data), ageOf(secret, now)],
};

export const serviceAccountPrinter: Printer = {
  columns: [NAME, count('Secrets'), AGE],
  cells: (account, now) => [nameOf(account), listAt(account, 'secrets').length, ageOf(account, now)],
};

function size(value: unknown): number {
  return isObject(value) ? Object.keys(value).length : 0;
}

export const leasePrinter: Printer = {
  columns: [NAME, column('Holder'), AGE],
  cells: (lease, now) => [nameOf(lease), String(objectAt(lease, 'spec').holderIdentity ?? ''), ageOf(lease, now)],
};

export const eventPrinter: Printer = {
  columns: [
    column('Last Seen'),
    column('Type'),
    column('Reason'),
    column('Object'),
    wide('Subobject'),
    wide('Source'),
    column('Message'),
    wide('First Seen'),
    wide('Count'),
    wide('Name'),
  ],
  cells(event, now) {
    const about = objectAt(event, 'involvedObject');
    const source = objectAt(event, 'source');
    const first = event.firstTimestamp ?? event.eventTime;
    const last = objectAt(event, 'series').lastObservedTime ?? event.lastTimestamp ?? first;
    return [
      age(last, now),
      String(event.type ?? ''),
      String(event.reason ?? ''),
      `${String(about.kind ?? '').toLowerCase()}/${about.name}`,
      String(about.fieldPath ?? ''),
      [source.component ?? event.reportingComponent, source.host].filter(Boolean).join(', '),
      String(event.message ?? '').trim(),
      age(first, now),
      String(objectAt(event, 'series').count ?? event.count ?? 1),
      nameOf(event),
    ];
  },
};
