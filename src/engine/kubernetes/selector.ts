import { usageFailure } from '../../errors.ts';

/** A requirement of a node affinity. */
export interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

const KEY = '([A-Za-z0-9][-A-Za-z0-9_./]*)';
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUAL = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTS = new RegExp(`^(!?)\\s*${KEY}$`);

/** A label selector as kubectl takes it, as the requirements of a node affinity, which mean the same. Throws a usage failure. */
export function requirementsOf(selector: string): Requirement[] {
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.filter(Boolean).map((part) => {
    const [, setKey, set, list = ''] = SET.exec(part) ?? [];
    if (setKey !== undefined) {
      const values = list.split(',').map((value) => value.trim());
      return { key: setKey, operator: set === 'in' ? 'In' : 'NotIn', values };
    }
    const [, key, operator, value = ''] = EQUAL.exec(part) ?? [];
    if (key !== undefined) return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] };
    const [, not, present] = EXISTS.exec(part) ?? [];
    if (present !== undefined) return { key: present, operator: not ? 'DoesNotExist' : 'Exists' };
    throw usageFailure(`--nodes: ${JSON.stringify(part)} is no label selector`, {
      remedy: 'Write it as for kubectl get nodes -l: pool=db, zone in (a,b), !gpu',
    });
  });
}
