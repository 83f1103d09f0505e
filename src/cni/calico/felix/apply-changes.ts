import { runTool } from '../../../process/tool.ts';
import type { NodeNamespace } from '../../node.ts';
import type { ChangeStep, NodeChanges } from '../dataplane/types.ts';
import { createWireguardDevice, type Means, removeWireguardDevice } from './wireguard-device.ts';

/** Carries out what `planChanges` found, step by step. Throws ToolError if one fails, and skips those after it. */
export async function applyChanges(node: NodeNamespace, changes: NodeChanges, means: Means): Promise<void> {
  for (const step of changes.steps) await applyStep(node, step, means);
}

async function applyStep(node: NodeNamespace, step: ChangeStep, means: Means): Promise<void> {
  switch (step.kind) {
    case 'batch':
    case 'sysctl':
      await node.run(step);
      break;
    case 'createWireguard':
      await createWireguardDevice(node, step.name, means);
      break;
    case 'removeWireguard':
      await removeWireguardDevice(node, step.name);
      break;
    case 'wgSet':
      await runTool(node.enter(['wg', 'set', ...step.arguments]));
      break;
  }
}
