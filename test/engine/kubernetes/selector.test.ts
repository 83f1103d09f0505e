import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requirementsOf } from '../../../src/engine/kubernetes/selector.ts';
import { matchesNodeAffinity } from '../../../src/kube-api/controllers/node-fit.ts';
import { labelSelector } from '../../../src/kube-api/selectors.ts';

const key = fc.constantFrom('pool', 'example.com/zone', 'gpu');
const value = fc.constantFrom('db', 'web', '', 'a.b-c_d');
const requirement = fc.oneof(
  fc.tuple(key, fc.constantFrom('=', '==', '!=', ' = ', ' != '), value).map((words) => words.join('')),
  fc
    .tuple(key, fc.constantFrom('in', 'notin'), fc.array(value, { minLength: 1, maxLength: 3 }))
    .map(([name, operator, values]) => `${name} ${operator} (${values.join(', ')})`),
  key,
  key.map((name) => `!${name}`),
);

describe('requirementsOf', () => {
  it('chooses the same nodes by affinity as a server does by the selector', () => {
    const labels = fc.dictionary(key, value);
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 3 }), labels, (parts, own) => {
        const text = parts.join(', ');
        const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels: own } };
        const nodeSelectorTerms = [{ matchExpressions: requirementsOf(text) }];
        const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
        const chosen = matchesNodeAffinity({ containers: [], affinity: { nodeAffinity } }, node);
        expect(chosen, text).toBe(labelSelector(text)(node));
      }),
    );
  });

  it('takes nothing for everything', () => {
    expect(requirementsOf('')).toEqual([]);
  });

  it.each(['a in b', 'a=b=c', 'a in (b', '=b', 'a > b'])('refuses %s', (text) => {
    expect(() => requirementsOf(text)).toThrow(/--nodes: .* is no label selector/);
  });
});
