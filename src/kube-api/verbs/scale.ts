import type { KubeObject } from '../../kube/object.ts';
import { readObject } from '../body.ts';
import type { Call, Reply } from '../context.ts';
import { trackUpdate } from '../fields/managers.ts';
import { isObject, type JsonObject, objectAt } from '../schema/json.ts';
import { invalidValue } from '../schema/validate.ts';
import { badRequest, conflict, invalid } from '../status.ts';
import { selectorText } from '../tables/columns.ts';
import { currentObject } from './read.ts';
import { replace, save } from './write.ts';

/** The `Scale` of a workload, whatever its kind. */
export function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorText(objectAt(object, 'spec').selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: { replicas: objectAt(object, 'spec').replicas ?? 0 },
    status: { replicas: objectAt(object, 'status').replicas ?? 0, ...(selector === '<none>' ? {} : { selector }) },
  } as KubeObject;
}

export function getScale(call: Call): Reply {
  return { code: 200, body: scaleOf(currentObject(call)) };
}

export async function updateScale(call: Call): Promise<Reply> {
  const { object } = await readObject(call.request, 'Scale');
  return { code: 200, body: writeScale(object, call) };
}

export function writeScale(scale: JsonObject, call: Call): JsonObject {
  const current = currentObject(call);
  const version = isObject(scale.metadata) ? scale.metadata.resourceVersion : undefined;
  if (version && version !== current.metadata.resourceVersion) {
    const message = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(call.resource, current.metadata.name, message);
  }
  const replicas = objectAt(scale, 'spec').replicas ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    const shown = typeof replicas === 'number' ? `number ${replicas}` : typeof replicas;
    throw badRequest(
      `Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal ${shown} into Go struct field ScaleSpec.spec.replicas of type int32`,
    );
  }
  if (replicas < 0) {
    const cause = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, current.metadata.name, [cause]);
  }
  const wanted = structuredClone(current);
  wanted.spec = { ...wanted.spec, replicas };
  const updated = replace(current, wanted, { ...call, subresource: undefined });
  trackUpdate(current, updated, call);
  return scaleOf(save(current, updated, call));
}
