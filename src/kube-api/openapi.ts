import { createHash } from 'node:crypto';
import { groupVersions, type Resource } from './resources.ts';
import type { Field, Schema, StructSchema } from './schema/dsl.ts';
import type { JsonObject } from './schema/json.ts';
import { structOf } from './schema/structs.ts';

interface Document {
  body: string;
  etag: string;
}

/**
 * All that is said in OpenAPI v2, which kubectl asks for kinds that v3 does not know: nothing. As protobuf (kubectl takes
 * nothing else) it is field 1, the version.
 */
export const OPENAPI_V2_PROTOBUF = Buffer.from([0x0a, 0x03, ...Buffer.from('2.0')]);

const made = new Map<string, Document>();

/**
 * The OpenAPI v3 index (`/openapi/v3`) and the document of each group and version, made when first asked for. The index
 * names each document with a hash, by which kubectl caches it.
 */
export function openApiDocument(pathname: string): Document | undefined {
  const there = made.get(pathname);
  if (there) return there;
  const content = pathname === '/openapi/v3' ? index() : groupDocument(pathname);
  if (!content) return undefined;
  const body = JSON.stringify(content);
  const document = { body, etag: createHash('sha256').update(body).digest('hex').slice(0, 32).toUpperCase() };
  made.set(pathname, document);
  return document;
}

/** Returns every path that has a document. */
export const openApiPaths = (): readonly string[] => [
  '/openapi/v2',
  '/openapi/v3',
  ...groupVersions().map((gv) => `/openapi/v3/${pathOf(gv)}`),
];

function pathOf(gv: { group: string; apiVersion: string }): string {
  return `${gv.group ? 'apis' : 'api'}/${gv.apiVersion}`;
}

function index(): JsonObject {
  const paths = groupVersions().map((gv) => {
    const path = `/openapi/v3/${pathOf(gv)}`;
    return [pathOf(gv), { serverRelativeURL: `${path}?hash=${openApiDocument(path)?.etag}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

function groupDocument(pathname: string): JsonObject | undefined {
  const gv = groupVersions().find((each) => `/openapi/v3/${pathOf(each)}` === pathname);
  if (!gv) return undefined;
  const schemas: Record<string, JsonObject> = {};
  for (const resource of gv.resources) {
    collect(resource.schema, schemas);
    const root = schemas[resource.schema.name];
    if (root) root['x-kubernetes-group-version-kind'] = [kindOf(resource)];
  }
  if (gv.resources.some((r) => r.subresources.includes('scale'))) collect(structOf('Scale'), schemas);
  return {
    openapi: '3.0.0',
    info: { title: 'wglab embedded engine', version: gv.apiVersion },
    paths: Object.fromEntries(gv.resources.flatMap((resource) => pathsOf(resource, pathOf(gv)))),
    components: { schemas },
  };
}

function kindOf({ group, version, kind }: Resource): JsonObject {
  return { group, version, kind };
}

/** kubectl looks here whether the server validates fields: PATCH, POST and PUT take `fieldValidation`. */
function pathsOf(resource: Resource, base: string): [string, JsonObject][] {
  const collection = `/${base}/${resource.namespaced ? 'namespaces/{namespace}/' : ''}${resource.plural}`;
  const operation = (action: string) => ({
    parameters: ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
      name,
      in: 'query',
      schema: { type: 'string', uniqueItems: true },
    })),
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kindOf(resource),
  });
  const read = (action: string) => ({ ...operation(action), parameters: [] });
  return [
    [collection, { get: read('list'), post: operation('post') }],
    [`${collection}/{name}`, { get: read('get'), put: operation('put'), patch: operation('patch') }],
  ];
}

function collect(struct: StructSchema, into: Record<string, JsonObject>): void {
  if (into[struct.name]) return;
  const schema: JsonObject = { type: 'object' };
  into[struct.name] = schema;
  schema.properties = Object.fromEntries(
    [...struct.fields.values()].map((field) => [field.name, propertyOf(field, into)]),
  );
  const needed = [...struct.fields.values()].filter((field) => field.required).map((field) => field.name);
  if (needed.length > 0) schema.required = needed;
  if (struct.atomic) schema['x-kubernetes-map-type'] = 'atomic';
}

function propertyOf(field: Field, into: Record<string, JsonObject>): JsonObject {
  const schema = schemaOf(field.schema, into);
  if (field.default !== undefined) schema.default = field.default;
  if (field.retainKeys) {
    const merges = schema['x-kubernetes-patch-strategy'] === 'merge';
    schema['x-kubernetes-patch-strategy'] = merges ? 'merge,retainKeys' : 'retainKeys';
  }
  return schema;
}

function schemaOf(schema: Schema, into: Record<string, JsonObject>): JsonObject {
  switch (schema.type) {
    case 'any':
      return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    case 'struct':
      collect(schema, into);
      return { allOf: [{ $ref: `#/components/schemas/${schema.name}` }] };
    case 'map': {
      const type = { type: 'object', additionalProperties: schemaOf(schema.values, into) };
      return schema.atomic ? { ...type, 'x-kubernetes-map-type': 'atomic' } : type;
    }
    case 'list':
      return { type: 'array', items: schemaOf(schema.items, into), ...listExtensions(schema.keys) };
    case 'scalar':
      return scalarSchema(schema.scalar, schema.values);
  }
}

function listExtensions(keys: readonly string[] | undefined): JsonObject {
  if (!keys) return { 'x-kubernetes-list-type': 'atomic' };
  if (keys.length === 0) return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
  return {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
    'x-kubernetes-patch-merge-key': keys[0],
    'x-kubernetes-patch-strategy': 'merge',
  };
}

function scalarSchema(scalar: string, values: readonly string[] | undefined): JsonObject {
  const types: Record<string, JsonObject> = {
    bool: { type: 'boolean' },
    int32: { type: 'integer', format: 'int32' },
    int64: { type: 'integer', format: 'int64' },
    number: { type: 'number', format: 'double' },
    quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    intOrString: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
    time: { type: 'string', format: 'date-time' },
    microTime: { type: 'string', format: 'date-time' },
    bytes: { type: 'string', format: 'byte' },
  };
  return { ...(types[scalar] ?? { type: 'string' }), ...(values ? { enum: values } : {}) };
}
