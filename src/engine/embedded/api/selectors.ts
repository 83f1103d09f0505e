import type { KubeObject } from '../store.ts';
import { isObject, objectAt } from './schema/json.ts';
import { badRequest } from './status.ts';

type Matches = (object: KubeObject) => boolean;

/** The filter of a list or watch: `labelSelector` and `fieldSelector` as kubectl sends them. Throws 400. */
export function selectorOf(query: URLSearchParams, kind: string): Matches {
  const labels = labelSelector(query.get('labelSelector') ?? '');
  const fields = fieldSelector(query.get('fieldSelector') ?? '', kind);
  return (object) => labels(object) && fields(object);
}

/** `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, and their conjunction with commas. */
export function labelSelector(text: string): Matches {
  const requirements = splitOutsideParentheses(text).map(labelRequirement);
  return (object) => requirements.every((requirement) => requirement(object.metadata.labels ?? {}));
}

const KEY = '([A-Za-z0-9][-A-Za-z0-9_./]*)';
const VALUE = '([-A-Za-z0-9_.]*)';

function labelRequirement(text: string): (labels: Record<string, string>) => boolean {
  const set = new RegExp(`^${KEY}\\s+(in|notin)\\s+\\(([^()]*)\\)$`).exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((v) => v.trim()));
    return (labels) => (operator === 'in') === (labels[key] !== undefined && values.has(labels[key]));
  }
  const equal = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*${VALUE}$`).exec(text);
  if (equal) {
    const [, key = '', operator, value] = equal;
    return (labels) => (operator === '!=') !== (labels[key] === value);
  }
  const exists = new RegExp(`^(!?)\\s*${KEY}$`).exec(text);
  if (!exists) throw badRequest(`unable to parse requirement: found '${text}', expected: a label selector requirement`);
  const [, not, key = ''] = exists;
  return (labels) => (labels[key] !== undefined) === (not === '');
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter(Boolean);
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
  const value = parent[path.at(-1) ?? ''];
  if (field === 'source' && isObject(value)) return String(value.component ?? '');
  if (value === undefined && (field === 'spec.unschedulable' || field === 'spec.hostNetwork')) return 'false';
  return value === undefined ? '' : String(value);
}

/** Whether a `LabelSelector` of a spec selects these labels. */
export function selects(selector: unknown, labels: Record<string, string>): boolean {
  const { matchLabels, matchExpressions } = objectAt(selector);
  const equal = Object.entries(isObject(matchLabels) ? matchLabels : {}).every(([k, v]) => labels[k] === v);
  const expressions = Array.isArray(matchExpressions) ? matchExpressions : [];
  return equal && expressions.every((e) => matchesExpression(objectAt(e), labels));
}

function matchesExpression(e: Record<string, unknown>, labels: Record<string, string>): boolean {
  const value = labels[String(e.key)];
  const values = Array.isArray(e.values) ? e.values : [];
  if (e.operator === 'In') return value !== undefined && values.includes(value);
  if (e.operator === 'NotIn') return value === undefined || !values.includes(value);
  return (value !== undefined) === (e.operator === 'Exists');
}
