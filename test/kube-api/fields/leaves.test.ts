import { describe, expect, it } from 'vitest';
import { fieldText, fromFieldsV1, leavesOf, toFieldsV1 } from '../../../src/kube-api/fields/leaves.ts';
import { structOf } from '../../../src/kube-api/schema/structs.ts';

const object = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'nc', namespace: 'nc', labels: { app: 'nc' }, finalizers: ['x/y'] },
  spec: {
    selector: { matchLabels: { app: 'nc' } },
    template: {
      spec: { containers: [{ name: 'nc', command: ['sh'], ports: [{ containerPort: 12345 }] }], tolerations: [] },
    },
  },
};

/** As Kubernetes' API server records an apply of this object. */
const FIELDS = {
  'f:metadata': { 'f:finalizers': { 'v:"x/y"': {} }, 'f:labels': { 'f:app': {} } },
  'f:spec': {
    'f:selector': {},
    'f:template': {
      'f:spec': {
        'f:containers': {
          'k:{"name":"nc"}': {
            '.': {},
            'f:command': {},
            'f:name': {},
            'f:ports': { 'k:{"containerPort":12345,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
          },
        },
        'f:tolerations': {},
      },
    },
  },
};

describe('the fields of an object', () => {
  it('are those that Kubernetes records, and survive the way there and back', () => {
    const leaves = leavesOf(object, structOf('DaemonSet'));
    expect(toFieldsV1(leaves.keys())).toEqual(FIELDS);
    expect([...fromFieldsV1(FIELDS)].sort()).toEqual([...leaves.keys()].sort());
  });

  it('are named as conflicts name them', () => {
    const path = ['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:targetPort'].join('\n');
    expect(fieldText(path)).toBe('.spec.ports[port=80,protocol="TCP"].targetPort');
  });
});
