import type { KubeObject } from '../kube/object.ts';
import { meetsAll, parseSelector, SelectorError } from '../kube/selectors.ts';
import { isObject, objectAt, ownField } from './schema/json.ts';
import { badRequest } from './status.ts';

type Matches = (object: KubeObject) => boolean;

/** The filter of a list or watch: `labelSelector` and `fieldSelector` as kubectl sends them. Throws 400. */
export function selectorOf(query: URLSearchParams, kind: string): Matches {
  const labels = labelSelector(query.get('labelSelector') ?? '');
  const fields = fieldSelector(query.get('fieldSelector') ?? '', kind);
  return (object) => labels(object) && fields(object);
}

/** The filter of a `labelSelector`. Throws 400. */
export function labelSelector(text: string): Matches {
  try {
    const requirements = parseSelector(text);
    return (object) => meetsAll(requirements, object.metadata.labels);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Secret: ['type'],
  Service: ['spec.clusterIP', 'spec.type'],
  ReplicaSet: ['status.replicas'],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
};

function fieldSelector(text: string, kind: string): Matches {
  const requirements = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => fieldRequirement(part.trim(), kind));
  return (object) => requirements.every((requirement) => requirement(object));
}

function fieldRequirement(text: string, kind: string): Matches {
  const parts = /^([^=!]+)(==|=|!=)(.*)$/.exec(text);
  if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
  const [, field = '', operator, value] = parts;
  if (!['metadata.name', 'metadata.namespace', ...(FIELDS[kind] ?? [])].includes(field)) {
    throw badRequest(`field label not supported: ${field}`);
  }
  return (object) => (operator === '!=') !== (fieldText(object, field) === value);
}

/** A field as text; absent ones read as Kubernetes' zero values. */
function fieldText(object: KubeObject, field: string): string {
  const path = field.split('.');
  const parent = objectAt(object, ...path.slice(0, -1));
  const value = ownField(parent, path.at(-1) ?? '');
  if (field === 'source' && isObject(value)) return String(value.component ?? '');
  if (value === undefined && (field === 'spec.unschedulable' || field === 'spec.hostNetwork')) return 'false';
  return value === undefined ? '' : String(value);
}
