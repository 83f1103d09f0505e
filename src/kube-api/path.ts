import { findResource, type Resource } from './resources.ts';

/** What a URL path means: a kind, all of them, one object, or a subresource of it. */
export interface Target {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

export type ApiPath =
  | { type: 'target'; target: Target }
  | { type: 'groupVersion'; apiVersion: string }
  | { type: 'group'; group: string };

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`; undefined for anything else and for kinds that there are not. */
export function parseApiPath(pathname: string): ApiPath | undefined {
  const segments = decodeSegments(pathname);
  if (!segments) return undefined;
  const [root, ...rest] = segments;
  const group = root === 'api' ? '' : root === 'apis' ? rest.shift() : undefined;
  const version = rest.shift();
  if (group === undefined) return undefined;
  if (version === undefined) return root === 'apis' ? { type: 'group', group } : undefined;
  if (rest.length === 0) return { type: 'groupVersion', apiVersion: group ? `${group}/${version}` : version };
  const target = parseTarget(group, version, rest);
  return target && { type: 'target', target };
}

function parseTarget(group: string, version: string, rest: string[]): Target | undefined {
  const inNamespace = rest[0] === 'namespaces' && rest.length >= 3 && rest[2] !== 'status';
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural = '', name, subresource, ...more] = inNamespace ? rest.slice(2) : rest;
  const resource = findResource(group, version, plural);
  if (!resource || more.length > 0) return undefined;
  if (resource.namespaced ? name !== undefined && !namespace : inNamespace) return undefined;
  return { resource, namespace, name, subresource };
}

function decodeSegments(pathname: string): string[] | undefined {
  try {
    return pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    // A malformed escape sequence: no such path.
    return undefined;
  }
}
