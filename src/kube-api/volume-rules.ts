import { type JsonObject, listAt, objectAt } from './schema/json.ts';
import { invalidValue } from './schema/validate.ts';
import type { StatusCause } from './status.ts';

/** Kubernetes' rules for what becomes a path in a container: names of volumes, keys, `items[].path`, `subPath`. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_WORDS = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const KEY_WORDS =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const ENV_WORDS = "a valid environment variable name must consist only of printable ASCII characters other than '='";

/** Checks a name that must be a DNS label; an empty one is another rule's business. */
export function labelRules(value: unknown, field: string): StatusCause[] {
  const name = String(value ?? '');
  if (name === '') return [];
  if (name.length > 63) return [invalidValue(field, name, 'must be no more than 63 characters')];
  return new RegExp(`^${LABEL}$`).test(name) ? [] : [invalidValue(field, name, LABEL_WORDS)];
}

/** Checks the volumes of a pod's spec. */
export function volumeRules(spec: JsonObject, path: string): StatusCause[] {
  return listAt(spec, 'volumes').flatMap((volume, i) => {
    const at = `${path}.volumes[${i}]`;
    const projected = listAt(volume, 'projected', 'sources').flatMap((source, j) =>
      sourceRules(source, `${at}.projected.sources[${j}]`),
    );
    return [...labelRules(volume.name, `${at}.name`), ...sourceRules(volume, at), ...projected];
  });
}

function sourceRules(volume: JsonObject, at: string): StatusCause[] {
  return ['configMap', 'secret', 'downwardAPI'].flatMap((source) =>
    listAt(objectAt(volume, source), 'items').flatMap(({ path }, i) =>
      fileRules(path, `${at}.${source}.items[${i}].path`),
    ),
  );
}

/** Checks where a container has its volumes, and the names of its variables. */
export function containerPathRules(container: JsonObject, at: string): StatusCause[] {
  const mounts = listAt(container, 'volumeMounts');
  return [
    ...mounts.flatMap(({ subPath }, i) => descending(subPath, `${at}.volumeMounts[${i}].subPath`)),
    ...mounts.flatMap(({ mountPath }, i) =>
      String(mountPath ?? '').includes('\0')
        ? [invalidValue(`${at}.volumeMounts[${i}].mountPath`, mountPath, 'must not contain NUL')]
        : [],
    ),
    ...listAt(container, 'env').flatMap(({ name }, i) =>
      /^[\x20-\x3c\x3e-\x7e]*$/.test(String(name ?? '')) ? [] : [invalidValue(`${at}.env[${i}].name`, name, ENV_WORDS)],
    ),
  ];
}

/** Checks the keys of a ConfigMap or Secret, which become names of files. */
export function keyRules(object: JsonObject): StatusCause[] {
  return ['data', 'binaryData'].flatMap((field) =>
    Object.keys(objectAt(object, field)).flatMap((key) => {
      const at = `${field}[${key}]`;
      if (key === '.' || key === '..') return [invalidValue(at, key, `must not be '${key}'`)];
      if (key.startsWith('..')) return [invalidValue(at, key, "must not start with '..'")];
      if (key.length > 253) return [invalidValue(at, key, 'must be no more than 253 characters')];
      return /^[-._a-zA-Z0-9]+$/.test(key) ? [] : [invalidValue(at, key, KEY_WORDS)];
    }),
  );
}

/** A file within a volume. */
function fileRules(path: unknown, field: string): StatusCause[] {
  const causes = descending(path, field);
  const text = String(path ?? '');
  if (text.startsWith('..') && !text.startsWith('../') && text !== '..') {
    causes.push(invalidValue(field, text, "must not start with '..'"));
  }
  return causes;
}

/** A path that stays below where it begins. */
function descending(path: unknown, field: string): StatusCause[] {
  const text = String(path ?? '');
  const causes: StatusCause[] = [];
  if (text.startsWith('/')) causes.push(invalidValue(field, text, 'must be a relative path'));
  if (text.split('/').includes('..')) causes.push(invalidValue(field, text, "must not contain '..'"));
  if (text.includes('\0')) causes.push(invalidValue(field, text, 'must not contain NUL'));
  return causes;
}
