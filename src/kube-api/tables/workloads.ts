import type { KubeObject } from '../../kube/object.ts';
import { listAt, objectAt } from '../schema/json.ts';
import { AGE, ageOf, column, count, NAME, nameOf, type Printer, selectorText, statusCount, wide } from './columns.ts';

const TEMPLATE = [wide('Containers'), wide('Images'), wide('Selector')];

export const deploymentPrinter: Printer = {
  columns: [NAME, column('Ready'), column('Up-to-date'), column('Available'), AGE, ...TEMPLATE],
  cells: (deployment, now) => [
    nameOf(deployment),
    `${statusCount(deployment, 'readyReplicas')}/${objectAt(deployment, 'spec').replicas ?? 0}`,
    statusCount(deployment, 'updatedReplicas'),
    statusCount(deployment, 'availableReplicas'),
    ageOf(deployment, now),
    ...templateCells(deployment),
  ],
};

export const replicaSetPrinter: Printer = {
  columns: [NAME, count('Desired'), count('Current'), count('Ready'), AGE, ...TEMPLATE],
  cells: (replicaSet, now) => [
    nameOf(replicaSet),
    Number(objectAt(replicaSet, 'spec').replicas ?? 0),
    statusCount(replicaSet, 'replicas'),
    statusCount(replicaSet, 'readyReplicas'),
    ageOf(replicaSet, now),
    ...templateCells(replicaSet),
  ],
};

export const daemonSetPrinter: Printer = {
  columns: [
    NAME,
    count('Desired'),
    count('Current'),
    count('Ready'),
    count('Up-to-date'),
    count('Available'),
    column('Node Selector'),
    AGE,
    ...TEMPLATE,
  ],
  cells: (daemonSet, now) => [
    nameOf(daemonSet),
    statusCount(daemonSet, 'desiredNumberScheduled'),
    statusCount(daemonSet, 'currentNumberScheduled'),
    statusCount(daemonSet, 'numberReady'),
    statusCount(daemonSet, 'updatedNumberScheduled'),
    statusCount(daemonSet, 'numberAvailable'),
    selectorText({ matchLabels: objectAt(daemonSet, 'spec', 'template', 'spec', 'nodeSelector') }),
    ageOf(daemonSet, now),
    ...templateCells(daemonSet),
  ],
};

export const controllerRevisionPrinter: Printer = {
  columns: [NAME, column('Controller'), count('Revision'), AGE],
  cells(revision, now) {
    const owner = revision.metadata.ownerReferences?.find((o) => o.controller);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    return [
      nameOf(revision),
      owner ? `${owner.kind.toLowerCase()}${group}/${owner.name}` : '<none>',
      Number(revision.revision ?? 0),
      ageOf(revision, now),
    ];
  },
};

function templateCells(object: KubeObject): [string, string, string] {
  const containers = listAt(object, 'spec', 'template', 'spec', 'containers');
  return [
    containers.map((c) => c.name).join(','),
    containers.map((c) => c.image).join(','),
    selectorText(objectAt(object, 'spec').selector),
  ];
}
