import type { KubeObject } from '../kube/object.ts';
import type { Call } from './context.ts';
import { decode } from './schema/decode.ts';
import { applyDefaults } from './schema/defaults.ts';
import { MAX_DEPTH, measure } from './schema/depth.ts';
import { duplicateFields, isObject, type JsonObject } from './schema/json.ts';
import { invalidValue } from './schema/validate.ts';
import { type ApiError, badRequest, invalid } from './status.ts';

/** Puts the strict errors (`unknown field "spec.foo"`) in the form that the verb answers with. */
type Refuse = (message: string) => ApiError;

/**
 * Fits what a client sent to the kind's schema and fills in defaults. Unknown and duplicate fields are refused, warned of
 * or dropped, as `fieldValidation` asks (Kubernetes warns where it asks nothing). Throws 400, or 422 for wrong types in
 * kinds that come from a CustomResourceDefinition.
 */
export function decodeObject(input: JsonObject, text: string, call: Call, refuse?: Refuse): KubeObject {
  const { resource } = call;
  // A patch can make deeper objects than it is itself.
  if (measure(input).depth > MAX_DEPTH) throw badRequest(`the object nests deeper than ${MAX_DEPTH} levels`);
  const { value, unknownFields, wrongTypes } = decode(input, resource.schema);
  const cannot = (why: string) =>
    badRequest(`${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`);
  const [firstWrong] = wrongTypes;
  if (firstWrong && resource.custom && !firstWrong.field.startsWith('metadata')) {
    const causes = wrongTypes.map((w) => {
      const detail = `${w.field} in body must be of type ${w.expected}: "${w.actual}"`;
      return { ...invalidValue(w.field, w.actual, detail), reason: 'FieldValueTypeInvalid' };
    });
    throw invalid(resource, nameIn(input) || (call.name ?? ''), causes);
  }
  if (firstWrong) throw (refuse ?? cannot)(firstWrong.goMessage);

  const strict = [
    ...unknownFields.map((field) => `unknown field "${field}"`),
    ...duplicateFields(text).map((field) => `duplicate field "${field}"`),
  ];
  const mode = call.query.get('fieldValidation') ?? 'Warn';
  if (strict.length > 0 && mode === 'Strict') {
    throw (refuse ?? cannot)(`strict decoding error: ${strict.join(', ')}`);
  }
  if (mode === 'Warn') call.warnings.push(...strict);
  return finish(value, call);
}

function finish(value: JsonObject, call: Call): KubeObject {
  const { resource } = call;
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const { apiVersion, kind, metadata: _, ...rest } = value;
  if (apiVersion !== undefined && apiVersion !== resource.apiVersion) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${resource.apiVersion})`,
    );
  }
  if (kind !== undefined && kind !== resource.kind) {
    throw badRequest(`${kind} in version "${resource.version}" cannot be handled as a ${resource.kind}`);
  }
  const object: KubeObject = {
    apiVersion: resource.storedAs,
    kind: resource.kind,
    metadata: { ...metadata, name: typeof metadata.name === 'string' ? metadata.name : '' },
    ...rest,
  };
  applyDefaults(object, resource.schema);
  return object;
}

function nameIn(input: JsonObject): string {
  return isObject(input.metadata) && typeof input.metadata.name === 'string' ? input.metadata.name : '';
}
