import { messageOf } from '../../errors.ts';
import { finish, type NodeShell } from '../run.ts';
import { TOOLS } from './workloads.ts';

/** How many nodes are asked at once. */
const AT_ONCE = 32;

const NAME_MISSING = 'for tool in "$@"; do command -v "$tool" > /dev/null || echo "$tool"; done';

/** The nodes on which a tool of the proof is missing, or that run no command at all, and why. */
export async function toolsMissing(shell: NodeShell, nodes: readonly string[]): Promise<Map<string, string>> {
  const missing = new Map<string, string>();
  const queue = nodes.values();
  const worker = async () => {
    for (const node of queue) {
      const why = await whyUnfit(shell, node);
      if (why !== undefined) missing.set(node, why);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return missing;
}

async function whyUnfit(shell: NodeShell, node: string): Promise<string | undefined> {
  try {
    const { status, stdout, stderr } = await finish(await shell(node, ['sh', '-c', NAME_MISSING, 'tools', ...TOOLS]));
    if (status !== 0) return `its probe pod runs no commands: ${stderr.trim() || `exit status ${status}`}`;
    const names = stdout.split('\n').filter(Boolean);
    return names.length > 0 ? `its probe pod lacks ${names.join(', ')}` : undefined;
  } catch (error) {
    return `no command can be run in its probe pod: ${messageOf(error)}`;
  }
}
