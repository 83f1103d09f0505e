import { runTool } from '../../../process/tool.ts';
import type { CiliumStep } from '../dataplane/changes.ts';
import { WIREGUARD_DEVICE } from '../dataplane/constants.ts';
import { NO_MARKS } from '../dataplane/ipsec.ts';
import type { CiliumNodeState } from '../dataplane/types.ts';
import type { AgentNode, WireguardMaker } from './node.ts';

/** Carries out the steps of a plan, one after the other. Throws if one fails, and leaves out those after it. */
export async function applySteps(node: AgentNode, steps: readonly CiliumStep[], maker: WireguardMaker): Promise<void> {
  for (const step of steps) await applyStep(node, step, maker);
}

async function applyStep(node: AgentNode, step: CiliumStep, maker: WireguardMaker): Promise<void> {
  switch (step.kind) {
    case 'ip':
      return node.run({ kind: 'batch', tool: 'ip', lines: [...step.lines] });
    case 'sysctl':
      return node.run({ kind: 'sysctl', writes: step.writes });
    case 'nft':
      await runTool(node.enter(['nft', '-f', '-']), step.ruleset);
      return;
    case 'createWireguard':
      return maker.create(node, step.name);
    case 'removeWireguard':
      return maker.remove(node, step.name);
    case 'wgSet':
      await runTool(node.enter(['wg', 'set', ...step.arguments]));
  }
}

/**
 * Removes all that is in some states, so that a node of which it is not known what it has can be made again. The routes of the overlay
 * go first: without them nothing leaves, in plaintext or otherwise. What is gone already cannot be removed, and that is no fault.
 */
export async function clearNode(
  node: AgentNode,
  states: readonly CiliumNodeState[],
  maker: WireguardMaker,
): Promise<void> {
  const all = states.flatMap(({ parts, diversions }) => [...parts, ...diversions]).reverse();
  const lines = all.flatMap(({ remove }) => remove);
  const overlayFirst = [...new Set([...lines.filter((line) => line.startsWith('route del')), ...lines])];
  const nothing = () => undefined;
  if (overlayFirst.length > 0) await node.run({ kind: 'batch', tool: 'ip', lines: overlayFirst }).catch(nothing);
  if (states.some(({ wireguard }) => wireguard)) await maker.remove(node, WIREGUARD_DEVICE).catch(nothing);
  if (states.some(({ marks }) => marks !== '')) await runTool(node.enter(['nft', '-f', '-']), NO_MARKS).catch(nothing);
}
