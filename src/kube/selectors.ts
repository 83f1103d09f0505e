/** Label selectors as Kubernetes has them: parsed from text or found in a spec, and what they select. */

export type Labels = Readonly<Record<string, string>> | undefined;

export interface SelectorRequirement {
  readonly key: string;
  /** In, NotIn, Exists, DoesNotExist, Gt or Lt; any other is never met. */
  readonly operator: string;
  readonly values?: readonly string[];
}

/** `LabelSelector` of a spec. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly SelectorRequirement[];
}

/** A text that is no label selector. */
export class SelectorError extends Error {
  /** The requirement that cannot be read. */
  readonly part: string;

  constructor(part: string) {
    super(`unable to parse requirement: found '${part}', expected: a label selector requirement`);
    this.name = 'SelectorError';
    this.part = part;
  }
}

const KEY = '([A-Za-z0-9][-A-Za-z0-9_./]*)';
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUAL = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const COMPARED = new RegExp(`^${KEY}\\s*([<>])\\s*(\\d+)$`);
const EXISTS = new RegExp(`^(!?)\\s*${KEY}$`);

/**
 * Parses `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a>1`, `a<1`, `a`, `!a`, and their conjunction with commas. Throws
 * SelectorError.
 */
export function parseSelector(text: string): SelectorRequirement[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.filter(Boolean).map(parseRequirement);
}

function parseRequirement(part: string): SelectorRequirement {
  const [, setKey, set, list = ''] = SET.exec(part) ?? [];
  if (setKey !== undefined) {
    const values = list.split(',').map((value) => value.trim());
    return { key: setKey, operator: set === 'in' ? 'In' : 'NotIn', values };
  }
  const [, equalKey, sign, value = ''] = EQUAL.exec(part) ?? [];
  if (equalKey !== undefined) return { key: equalKey, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
  const [, comparedKey, than, bound = ''] = COMPARED.exec(part) ?? [];
  if (comparedKey !== undefined) return { key: comparedKey, operator: than === '>' ? 'Gt' : 'Lt', values: [bound] };
  const [, not, key] = EXISTS.exec(part) ?? [];
  if (key !== undefined) return { key, operator: not ? 'DoesNotExist' : 'Exists' };
  throw new SelectorError(part);
}

/** Returns whether labels meet every requirement. */
export function meetsAll(requirements: readonly SelectorRequirement[], labels: Labels): boolean {
  return requirements.every((requirement) => meets(requirement, labelOf(labels, requirement.key)));
}

/** Returns whether a label selector selects these labels: no selector selects nothing, an empty one everything. */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  return hasLabels(labels, selector.matchLabels) && meetsAll(selector.matchExpressions ?? [], labels);
}

/** Returns whether all the wanted labels are there with their values. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labelOf(labels, key) === value);
}

/** Returns whether a label's value, or its absence, meets a requirement. */
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

/** Returns a label's value. A key such as `constructor` is no label unless somebody set it. */
function labelOf(labels: Labels, key: string): string | undefined {
  return labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
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
