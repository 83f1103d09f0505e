import type { KubeObject } from '../../kube/object.ts';
import { mediaType, parseObject, readBody } from '../body.ts';
import { type Call, present, type Reply } from '../context.ts';
import { decodeObject } from '../decode-request.ts';
import { applyObject } from '../fields/apply.ts';
import { trackUpdate } from '../fields/managers.ts';
import { JsonError, parseJsonText } from '../json-text.ts';
import { jsonPatch, PatchFailure } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge.ts';
import { strategicPatch } from '../patch/strategic.ts';
import { isObject, type JsonObject, objectAt } from '../schema/json.ts';
import { invalidValue } from '../schema/validate.ts';
import { ApiError, badRequest, invalid, unsupportedMediaType } from '../status.ts';
import { currentObject } from './read.ts';
import { scaleOf, writeScale } from './scale.ts';
import { hasMetadata, replace, save } from './write.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

/** As Kubernetes has it. */
const MAX_OPERATIONS = 10_000;

/** Patches an object, its status or its scale, in the way that the media type of the body says. */
export async function patchObject(call: Call): Promise<Reply> {
  const { resource } = call;
  const type = mediaType(call.request);
  const accepted = [JSON_PATCH, MERGE, ...(resource.custom ? [] : [STRATEGIC]), APPLY];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const text = await readBody(call.request);
  if (type === APPLY) return applyObject(await parseObject(text, resource.kind, true), call);

  const current = currentObject(call);
  if (call.subresource === 'scale') {
    return { code: 200, body: writeScale(patched(type, scaleOf(current), text, call), call) };
  }
  const before = present(current, resource);
  const after = patched(type, before, text, call);
  if (!hasMetadata(after)) throw badRequest('the patch leaves no object');
  const refuse = (message: string) =>
    invalid({ group: '', kind: '' }, '', [invalidValue('patch', JSON.stringify(withoutManagers(after)), message)]);
  const wanted = decodeObject(after, type === JSON_PATCH ? '' : text, call, refuse);
  checkIdentity(wanted, current);
  const updated = replace(current, wanted, call);
  trackUpdate(current, updated, call);
  return { code: 200, body: present(save(current, updated, call), resource) };
}

/** Leaves the managers out: they do not say why a patch is wrong, and are longer than the rest. */
function withoutManagers(object: JsonObject): JsonObject {
  const { managedFields: _, ...metadata } = objectAt(object, 'metadata');
  return { ...object, metadata };
}

function patched(type: string, before: KubeObject, text: string, call: Call): JsonObject {
  const patch = parsePatch(text);
  const after = applyOne(type, before, patch, call);
  if (!isObject(after)) throw badRequest('the patch leaves no object');
  return after;
}

function applyOne(type: string, before: KubeObject, patch: unknown, call: Call): unknown {
  if (type === JSON_PATCH) {
    if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
    if (patch.length > MAX_OPERATIONS) {
      const limit = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`;
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${limit}`);
    }
    try {
      return jsonPatch(before, patch);
    } catch (error) {
      if (!(error instanceof PatchFailure)) throw error;
      throw unprocessable(error.message, call);
    }
  }
  if (!isObject(patch)) throw badRequest('the patch is not an object');
  return type === MERGE ? mergePatch(before, patch) : strategicPatch(before, patch, call.resource.schema);
}

function parsePatch(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch (error) {
    if (error instanceof JsonError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

function unprocessable(message: string, { resource, name = '' }: Call): ApiError {
  const text = 'the server rejected our request due to an error in our request';
  const causes = [{ reason: 'UnexpectedServerResponse', message, field: '' }];
  return new ApiError(422, 'Invalid', text, { name, group: resource.group, kind: resource.plural, causes });
}

function checkIdentity(wanted: KubeObject, current: KubeObject): void {
  for (const field of ['name', 'namespace'] as const) {
    const asked = wanted.metadata[field];
    if (asked !== undefined && asked !== '' && asked !== current.metadata[field]) {
      throw badRequest(
        `the ${field} of the object (${asked}) does not match the ${field} on the URL (${current.metadata[field]})`,
      );
    }
  }
  wanted.metadata.name = current.metadata.name;
}
