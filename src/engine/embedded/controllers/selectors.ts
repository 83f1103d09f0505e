import type { LabelSelector, SelectorRequirement } from './kinds.ts';

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether a label selector selects these labels. No selector selects nothing, an empty one everything (Kubernetes' LabelSelector). */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  return (
    hasLabels(labels, selector.matchLabels) &&
    (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels?.[requirement.key]))
  );
}

/** Whether all the wanted labels are there with their values. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}

/** Whether a label's value, or its absence, meets a requirement. An operator that is not known is never met. */
export function meets({ operator, values = [] }: SelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compare(value, values[0], (a, b) => a > b);
    case 'Lt':
      return compare(value, values[0], (a, b) => a < b);
    default:
      return false;
  }
}

function compare(
  value: string | undefined,
  bound: string | undefined,
  test: (a: bigint, b: bigint) => boolean,
): boolean {
  const integer = /^[+-]?\d+$/;
  if (value === undefined || bound === undefined || !integer.test(value) || !integer.test(bound)) return false;
  return test(BigInt(value.replace('+', '')), BigInt(bound.replace('+', '')));
}
