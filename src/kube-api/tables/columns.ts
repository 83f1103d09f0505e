import type { KubeObject } from '../../kube/object.ts';
import { objectAt } from '../schema/json.ts';
import { age } from './duration.ts';

export interface Column {
  name: string;
  type: 'string' | 'integer' | 'date';
  format: string;
  description: string;
  priority: number;
}

export type Cell = string | number;

/** How a kind is printed: the columns, and one cell for each. */
export interface Printer {
  columns: readonly Column[];
  cells(object: KubeObject, now: number): Cell[];
}

/** One column; a `wide` one shows with `-o wide` only. */
export function column(name: string, options: { type?: Column['type']; wide?: boolean } = {}): Column {
  return {
    name,
    type: options.type ?? 'string',
    format: name === 'Name' ? 'name' : '',
    description: name,
    priority: options.wide ? 1 : 0,
  };
}

export const wide = (name: string) => column(name, { wide: true });
export const count = (name: string) => column(name, { type: 'integer' });

export const NAME = column('Name');
export const AGE = column('Age');

export const nameOf = (object: KubeObject) => object.metadata.name;
export const ageOf = (object: KubeObject, now: number) => age(object.metadata.creationTimestamp, now);

/** Kinds without columns of their own show name and age, as custom resources do. */
export const plainPrinter: Printer = {
  columns: [NAME, column('Age', { type: 'date' })],
  cells: (object, now) => [nameOf(object), ageOf(object, now)],
};

/** A number field of the status, 0 where it is absent. */
export function statusCount(object: KubeObject, field: string): number {
  return Number(objectAt(object, 'status')[field] ?? 0);
}

/** `a=b,c=d` of a label selector or a map, as kubectl prints selectors. */
export function selectorText(selector: unknown): string {
  const labels = objectAt(selector, 'matchLabels');
  const expressions = objectAt(selector).matchExpressions;
  const parts = Object.entries(labels).map(([k, v]) => `${k}=${v}`);
  for (const e of Array.isArray(expressions) ? expressions : []) {
    const { key, operator, values } = objectAt(e);
    const list = Array.isArray(values) ? `(${values.join(',')})` : '';
    if (operator === 'Exists') parts.push(String(key));
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} ${list}`);
  }
  return parts.length > 0 ? parts.sort().join(',') : '<none>';
}
