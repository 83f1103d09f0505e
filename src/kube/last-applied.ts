import type { AppliedObject } from './object.ts';

/** The annotation by which kubectl knows what it applied: with it, `kubectl apply` of the same file finds nothing to change. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Returns what kubectl would keep of an object that it applied, byte for byte: with the default namespace and annotations filled
 * in, keys in order, and escaped as Go's JSON encoder does.
 */
export function lastApplied(object: AppliedObject, namespaced: boolean): string {
  const metadata = { annotations: {}, ...(namespaced ? { namespace: 'default' } : {}), ...object.metadata };
  const text = JSON.stringify(inOrder({ ...object, metadata }));
  return `${text.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, inOrder(entry)]));
}
