import { randomInt } from 'node:crypto';
import type { CalicoNode } from '../../cni/calico/keys.ts';
import type { NodeShell } from '../../process/node-shell.ts';
import type { Record } from '../record.ts';
import { DEFAULT_PAIRS, samplePairs, shuffle } from '../sample.ts';
import { type NodeFacts, nodeFacts } from './node-facts.ts';

type Unprobed = NonNullable<Record['unprobed']>[number];

/** A node that a run probes. */
export interface KnownNode extends CalicoNode {
  facts: NodeFacts;
}

/** Chooses a sample if there are too many pairs for one run, else all; and the nodes that are in it. */
export function choosePairs(nodes: readonly CalicoNode[], pairs: number | 'all' | undefined) {
  const names = nodes.map(({ name }) => name);
  // Each node at least once, unless a number was asked for.
  const bound = pairs ?? Math.max(DEFAULT_PAIRS, names.length + 1);
  const sampled = bound === 'all' ? undefined : samplePairs(shuffle(names, randomInt), bound);
  return { sampled, chosen: new Set(sampled?.flat() ?? names) };
}

/** Asks the chosen nodes for the facts that a run needs; nodes that cannot be asked or were not chosen are not probed. */
export async function factsOfAll(shell: NodeShell, all: readonly CalicoNode[], chosen: ReadonlySet<string>) {
  const asked = await Promise.all(
    all.map(async (node) => ({
      node,
      facts: chosen.has(node.name)
        ? await nodeFacts(shell, node.name, node.address)
        : { problem: 'it is not in the sample of this run' },
    })),
  );
  const nodes: KnownNode[] = [];
  const unprobed: Unprobed[] = [];
  for (const { node, facts } of asked) {
    const { name, address } = node;
    if ('problem' in facts) unprobed.push({ name, ...(address ? { address } : {}), reason: facts.problem });
    else nodes.push({ ...node, facts });
  }
  return { nodes, unprobed };
}

/** Names the nodes that the claim is not about, with the reason. */
export function outsiders(all: readonly CalicoNode[], outside: ReadonlyMap<string, string>): Unprobed[] {
  return all.flatMap(({ name, address }) => {
    const reason = outside.get(name);
    return reason === undefined ? [] : [{ name, ...(address ? { address } : {}), reason }];
  });
}
