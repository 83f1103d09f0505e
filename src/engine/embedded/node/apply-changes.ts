import type { ChangeStep, NodeChanges, SysctlWrite } from '../dataplane/types.ts';
import { runTool } from '../processes.ts';
import type { NodeNamespaces } from './node-namespaces.ts';
import { createWireguardDevice, type Means, removeWireguardDevice } from './wireguard-device.ts';

/** Values below /proc/sys, a line each: whether it matters, path, value. What does not matter may be missing. */
const WRITE_SYSCTLS = `while read -r need path value; do
  [ "$need" = required ] || [ -e "/proc/sys/$path" ] || continue
  printf %s "$value" > "/proc/sys/$path" || exit 1
done`;

/** Carries out what `planChanges` found, step by step. */
export async function applyChanges(node: NodeNamespaces, changes: NodeChanges, means: Means): Promise<void> {
  for (const step of changes.steps) await applyStep(node, step, means);
}

async function applyStep(node: NodeNamespaces, step: ChangeStep, means: Means): Promise<void> {
  switch (step.kind) {
    case 'batch':
      await runTool(node.enter([...step.tool.split(' '), '-force', '-batch', '-']), `${step.lines.join('\n')}\n`);
      break;
    case 'sysctl':
      await writeSysctls(node, step.writes);
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

/** Writes a node's settings. Throws ToolError where one that matters cannot be written. */
export async function writeSysctls(node: NodeNamespaces, writes: readonly SysctlWrite[]): Promise<void> {
  const lines = writes.map(({ path, value, optional }) => `${optional ? 'optional' : 'required'} ${path} ${value}\n`);
  await runTool(node.enter(['sh', '-c', WRITE_SYSCTLS]), lines.join(''));
}
