import type { KubeObject } from '../kube/object.ts';
import { selects } from '../kube/selectors.ts';
import type { Resource } from './resources.ts';
import { type JsonObject, listAt, objectAt } from './schema/json.ts';
import { forbiddenField, invalidValue, required, validateSchema } from './schema/validate.ts';
import type { StatusCause } from './status.ts';
import { same } from './store.ts';
import { containerPathRules, keyRules, labelRules, volumeRules } from './volume-rules.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';

/** Rules for kinds that are not Kubernetes' own; `before` is what the object replaces. */
export type KindRules = (object: KubeObject, before?: KubeObject) => StatusCause[];

const rulesOfKinds = new Map<string, KindRules>();

/** Holds objects of these kinds to further rules. */
export function addRules(rules: Readonly<Record<string, KindRules>>): void {
  for (const [kind, rule] of Object.entries(rules)) rulesOfKinds.set(kind, rule);
}

/** Everything that is wrong with an object, in Kubernetes' words; `before` is what it replaces. */
export function validate(object: KubeObject, resource: Resource, before?: KubeObject): StatusCause[] {
  const causes = [...metadataRules(object, resource), ...validateSchema(object, resource.schema), ...kindRules(object)];
  if (before) causes.push(...changeRules(object, before));
  causes.push(...(rulesOfKinds.get(object.kind)?.(object, before) ?? []));
  return causes;
}

function metadataRules(object: KubeObject, resource: Resource): StatusCause[] {
  const { name, labels, annotations } = object.metadata;
  const causes: StatusCause[] = [];
  if (!name) causes.push(required('metadata.name', 'name or generateName is required'));
  else causes.push(...nameRules(name, resource.kind));
  for (const key of Object.keys(annotations ?? {}))
    causes.push(...keyNameRules(key.toLowerCase(), 'metadata.annotations'));
  for (const [key, value] of Object.entries(labels ?? {})) {
    causes.push(...keyNameRules(key, 'metadata.labels'));
    if (!/^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/.test(value)) {
      causes.push(
        invalidValue(
          'metadata.labels',
          value,
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
      );
    }
  }
  return causes;
}

/** Checks the key of a label or annotation: a name, and before it a domain and a slash if it has one. */
function keyNameRules(key: string, field: string): StatusCause[] {
  const slash = key.indexOf('/');
  const [prefix, plain] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const causes: StatusCause[] = [];
  if (prefix !== undefined && !new RegExp(`^${SUBDOMAIN}$`).test(prefix)) {
    const words = `prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
    causes.push(invalidValue(field, key, words));
  }
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(plain)) {
    causes.push(
      invalidValue(
        field,
        key,
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      ),
    );
  }
  return causes;
}

function nameRules(name: string, kind: string): StatusCause[] {
  const [pattern, limit, words] =
    kind === 'Service'
      ? [
          LABEL_1035,
          63,
          `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${LABEL_1035}')`,
        ]
      : kind === 'Namespace'
        ? [
            LABEL,
            63,
            `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`,
          ]
        : [
            SUBDOMAIN,
            253,
            `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`,
          ];
  if (name.length > limit) return [invalidValue('metadata.name', name, `must be no more than ${limit} characters`)];
  return new RegExp(`^${pattern}$`).test(name) ? [] : [invalidValue('metadata.name', name, words)];
}

function kindRules(object: KubeObject): StatusCause[] {
  switch (object.kind) {
    case 'Pod':
      return podSpecRules(objectAt(object, 'spec'), 'spec');
    case 'Deployment':
    case 'DaemonSet':
    case 'ReplicaSet':
      return workloadRules(objectAt(object, 'spec'));
    case 'Service':
      return serviceRules(objectAt(object, 'spec'));
    case 'ConfigMap':
    case 'Secret':
      return keyRules(object);
    default:
      return [];
  }
}

function podSpecRules(spec: JsonObject, path: string): StatusCause[] {
  const volumes = new Set(listAt(spec, 'volumes').map((v) => v.name));
  const causes = ['containers', 'initContainers'].flatMap((field) =>
    listAt(spec, field).flatMap((container, i) => {
      const at = `${path}.${field}[${i}]`;
      const missing = listAt(container, 'volumeMounts').flatMap((mount, j) =>
        mount.name && !volumes.has(mount.name)
          ? [
              {
                reason: 'FieldValueNotFound',
                message: `Not found: "${mount.name}"`,
                field: `${at}.volumeMounts[${j}].name`,
              },
            ]
          : [],
      );
      return [
        ...(container.image ? [] : [required(`${at}.image`)]),
        ...labelRules(container.name, `${at}.name`),
        ...missing,
        ...containerPathRules(container, at),
      ];
    }),
  );
  causes.push(...volumeRules(spec, path));
  const grace = spec.terminationGracePeriodSeconds;
  if (typeof grace === 'number' && grace < 0) {
    causes.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0'));
  }
  return causes;
}

function workloadRules(spec: JsonObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const template = objectAt(spec, 'template');
  const labels = objectAt(template, 'metadata', 'labels') as Record<string, string>;
  if (typeof spec.replicas === 'number' && spec.replicas < 0) {
    causes.push(invalidValue('spec.replicas', spec.replicas, 'must be greater than or equal to 0'));
  }
  if (spec.selector && Object.keys(objectAt(spec, 'selector')).length === 0) {
    causes.push(invalidValue('spec.selector', {}, 'empty selector is invalid for deployment'));
  } else if (spec.selector && spec.template && !selects(spec.selector, labels)) {
    causes.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  const podSpec = objectAt(template, 'spec');
  if (podSpec.restartPolicy && podSpec.restartPolicy !== 'Always') {
    causes.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: "${podSpec.restartPolicy}": supported values: "Always"`,
      field: 'spec.template.spec.restartPolicy',
    });
  }
  return [...causes, ...podSpecRules(podSpec, 'spec.template.spec')];
}

function serviceRules(spec: JsonObject): StatusCause[] {
  const ports = listAt(spec, 'ports');
  const causes: StatusCause[] = [];
  if (spec.type === 'ExternalName') return spec.externalName ? [] : [required('spec.externalName')];
  if (ports.length === 0 && spec.clusterIP !== 'None') causes.push(required('spec.ports'));
  ports.forEach((port, i) => {
    if (ports.length > 1 && !port.name) causes.push(required(`spec.ports[${i}].name`));
    causes.push(...range(port.port, `spec.ports[${i}].port`, 1, 65535));
  });
  return causes;
}

/** Returns the complaint about a number that is not between two others, as Kubernetes words it. */
export function range(value: unknown, field: string, from: number, to: number): StatusCause[] {
  if (typeof value !== 'number' || (value >= from && value <= to)) return [];
  return [invalidValue(field, value, `must be between ${from} and ${to}, inclusive`)];
}

const POD_CHANGES =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function changeRules(object: KubeObject, before: KubeObject): StatusCause[] {
  switch (object.kind) {
    case 'Pod':
      return same(fixedPartOfPod(object), fixedPartOfPod(before)) ? [] : [forbiddenField('spec', POD_CHANGES)];
    case 'Deployment':
    case 'DaemonSet':
    case 'ReplicaSet':
      return immutable(object, before, ['spec', 'selector'], 'field is immutable');
    case 'ConfigMap':
    case 'Secret':
      return before.immutable === true && !same([object.data, object.binaryData], [before.data, before.binaryData])
        ? [forbiddenField('data', 'field is immutable when `immutable` is set')]
        : [];
    default:
      return [];
  }
}

/** Returns the complaint about a field that differs from before. */
export function immutable(
  object: KubeObject,
  before: KubeObject,
  [parent, field]: [string, string],
  words: string,
): StatusCause[] {
  const now = objectAt(object, parent)[field];
  return same(now, objectAt(before, parent)[field]) ? [] : [invalidValue(`${parent}.${field}`, now, words)];
}

function fixedPartOfPod(pod: KubeObject): unknown {
  const spec = structuredClone(objectAt(pod, 'spec'));
  for (const container of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')]) delete container.image;
  for (const field of ['tolerations', 'activeDeadlineSeconds', 'terminationGracePeriodSeconds']) delete spec[field];
  return spec;
}
