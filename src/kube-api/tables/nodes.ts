import type { KubeObject } from '../../kube/object.ts';
import { listAt, objectAt } from '../schema/json.ts';
import { AGE, ageOf, column, NAME, nameOf, type Printer, wide } from './columns.ts';

const ROLE = 'node-role.kubernetes.io/';

export const nodePrinter: Printer = {
  columns: [
    NAME,
    column('Status'),
    column('Roles'),
    AGE,
    column('Version'),
    wide('Internal-IP'),
    wide('External-IP'),
    wide('OS-Image'),
    wide('Kernel-Version'),
    wide('Container-Runtime'),
  ],
  cells(node, now) {
    const info = objectAt(node, 'status', 'nodeInfo');
    return [
      nameOf(node),
      nodeStatus(node),
      roles(node),
      ageOf(node, now),
      String(info.kubeletVersion ?? ''),
      address(node, 'InternalIP'),
      address(node, 'ExternalIP'),
      String(info.osImage || '<unknown>'),
      String(info.kernelVersion || '<unknown>'),
      String(info.containerRuntimeVersion || '<unknown>'),
    ];
  },
};

function nodeStatus(node: KubeObject): string {
  const ready = listAt(node, 'status', 'conditions').find((c) => c.type === 'Ready');
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  if (objectAt(node, 'spec').unschedulable === true) words.push('SchedulingDisabled');
  return words.join(',');
}

function roles(node: KubeObject): string {
  const labels = Object.entries(node.metadata.labels ?? {});
  const named = labels.flatMap(([k, v]) => {
    if (k.startsWith(ROLE)) return [k.slice(ROLE.length)];
    return k === 'kubernetes.io/role' ? [v] : [];
  });
  return named.filter(Boolean).sort().join(',') || '<none>';
}

function address(node: KubeObject, type: string): string {
  return String(listAt(node, 'status', 'addresses').find((a) => a.type === type)?.address ?? '<none>');
}
