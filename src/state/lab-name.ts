import { usageFailure } from '../errors.ts';

/** The name of the evidence store, next to the labs' own folders. */
export const EVIDENCE_STORE = 'evidence';

/**
 * The name of a deployment, if it may be one; else a usage failure that says the rule. It becomes part of paths, of
 * hosts' and namespaces' names and of Kubernetes labels, so it is no more than what all of them take.
 */
export function checkLabName(name: string): string {
  if (isLabName(name)) return name;
  throw usageFailure(`${JSON.stringify(name)} cannot be the name of a lab`, {
    remedy:
      'Use 1 to 40 lowercase letters, digits and hyphens, with a letter or digit at both ends; "evidence" is taken.',
  });
}

export function isLabName(name: string): boolean {
  return name !== EVIDENCE_STORE && /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name);
}
