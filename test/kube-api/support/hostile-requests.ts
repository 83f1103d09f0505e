import fc from 'fast-check';
import { CALICO_SCHEME } from '../../../src/cni/calico/scheme.ts';
import { routes } from '../../../src/kube-api/routes.ts';
import { addToScheme } from '../../../src/kube-api/scheme.ts';

addToScheme(CALICO_SCHEME);
const ROUTES = routes();

/** A request that no client of good will would send. */
export interface HostileRequest {
  method: string;
  path: string;
  type: string;
  body: string | Buffer;
}

const TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
  '',
];

/** Words that mean something to the server, in places where they may not belong. */
const WORDS = [
  ...[
    'apiVersion',
    'kind',
    'metadata',
    'spec',
    'status',
    'data',
    'items',
    'name',
    'namespace',
    'labels',
    'annotations',
  ],
  ...['containers', 'image', 'template', 'selector', 'matchLabels', 'matchExpressions', 'replicas', 'ports', 'volumes'],
  ...['finalizers', 'ownerReferences', 'managedFields', 'fieldsV1', 'resourceVersion', 'uid', 'generateName'],
  ...['$patch', '$retainKeys', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers'],
  ...['op', 'path', 'from', 'value', 'preconditions', 'gracePeriodSeconds', 'propagationPolicy', 'dryRun'],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'f:metadata',
    'k:{"name":"a"}',
    'k:{',
    'v:',
    '',
    '\n',
    '\u0000',
  ],
];
const VALUES = [
  ...['v1', 'apps/v1', 'Pod', 'ConfigMap', 'Deployment', 'default', 'worker', 'hostile', 'replace', 'delete', 'merge'],
  ...[
    'add',
    'remove',
    'move',
    'copy',
    'test',
    '/metadata/name',
    '/spec',
    '/data/a',
    '/-',
    'Orphan',
    'Foreground',
    'All',
  ],
  ...[
    0,
    -1,
    1,
    1.5,
    2 ** 31,
    2 ** 53,
    -(2 ** 53),
    true,
    false,
    null,
    '',
    '\ud800',
    'x'.repeat(300),
    '2026-01-01T00:00:00Z',
  ],
];

const json = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom<unknown>(...VALUES) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 2, arbitrary: tie('list') },
    { weight: 4, arbitrary: tie('object') },
  ),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(fc.constantFrom(...WORDS), fc.string()), tie('any'), { maxKeys: 6 }),
})).any;

const operations = fc.array(
  fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: fc
      .array(fc.constantFrom(...WORDS, '0', '-', '~0', '~1'), { maxLength: 4 })
      .map((parts) => `/${parts.join('/')}`),
    from: fc.array(fc.constantFrom(...WORDS), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
    value: json,
  }),
  { maxLength: 4 },
);

/** An object as it could be, with a part of it replaced by anything. */
const nearlyRight = fc
  .tuple(
    fc.constantFrom('Pod', 'ConfigMap', 'Deployment', 'Service', 'Namespace', 'Scale', 'FelixConfiguration'),
    json,
    json,
    json,
  )
  .map(([kind, metadata, spec, data]) => ({
    apiVersion: kind === 'Deployment' ? 'apps/v1' : kind === 'FelixConfiguration' ? 'projectcalico.org/v3' : 'v1',
    kind,
    metadata: typeof metadata === 'object' && metadata !== null ? { name: 'hostile', ...metadata } : metadata,
    spec,
    data,
  }));

const MAGIC = Buffer.from('k8s\0');

const protobuf = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.concat([MAGIC, bytes])),
  fc
    .tuple(fc.constantFrom('Pod', 'ConfigMap', 'DeleteOptions'), fc.uint8Array({ maxLength: 60 }))
    .map(([kind, bytes]) => {
      const field = (number: number, content: Buffer) =>
        Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
      const type = Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from(kind))]);
      return Buffer.concat([MAGIC, field(1, type), field(2, Buffer.from(bytes))]);
    }),
);

const body = fc.oneof(
  json.map((value) => JSON.stringify(value) ?? ''),
  nearlyRight.map((value) => JSON.stringify(value)),
  operations.map((value) => JSON.stringify(value)),
  nearlyRight.map((value) => `# yaml\n${JSON.stringify(value, undefined, 1)}`),
  protobuf,
  fc.string(),
  fc.constantFrom(
    '',
    '{',
    '[',
    'null',
    '{"a":1}{"b":2}',
    'a: &a [*a]',
    '- - -',
    '\ufeff{}',
    '{"kind":"Pod"'.padEnd(3000, ' '),
  ),
);

const query = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'fieldManager',
        'force',
        'dryRun',
        'fieldValidation',
        'labelSelector',
        'fieldSelector',
        'limit',
        'container',
        'tailLines',
        'pretty',
        'propagationPolicy',
        'gracePeriodSeconds',
        'resourceVersion',
      ),
      fc.oneof(
        fc.constantFrom(
          'All',
          'true',
          'Strict',
          'a in (b',
          'constructor',
          'a!=b',
          'metadata.name=x',
          '1',
          '-1',
          'Orphan',
        ),
        fc.string(),
      ),
    ),
    { maxLength: 3 },
  )
  .map((pairs) => new URLSearchParams(pairs).toString());

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .tuple(
    fc.constantFrom(...ROUTES),
    fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE'),
    fc.constantFrom(...TYPES),
    body,
    query,
    fc.constantFrom('hostile', 'worker', 'default', 'constructor', '__proto__'),
  )
  .map(([route, method, type, text, search, objectName]) => ({
    method,
    path: `${route.path.replace('{namespace}', 'default').replace('{name}', objectName)}?${search}`,
    type,
    body: text,
  }));
