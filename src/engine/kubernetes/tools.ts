import { messageOf } from '../../errors.ts';
import { finish, type NodeShell } from '../../process/node-shell.ts';
import { TOOLS } from './workloads.ts';

/** How many nodes are asked at once. */
const AT_ONCE = 32;

/** How long a node may take to answer, in ms: exec over a busy API takes a second. */
const ANSWER_MS = 30_000;

const NAME_MISSING = 'for tool in "$@"; do command -v "$tool" > /dev/null || echo "$tool"; done';

/** The nodes on which a tool of the proof is missing, or that run no command at all, and why. */
export async function toolsMissing(
  shell: NodeShell,
  nodes: readonly string[],
  update: (text: string) => void,
  limitMs: number = ANSWER_MS,
): Promise<Map<string, string>> {
  let asked = 0;
  const missing = new Map<string, string>();
  const queue = nodes.values();
  const worker = async () => {
    for (const node of queue) {
      const why = await whyUnfit(shell, node, limitMs);
      if (why !== undefined) missing.set(node, why);
      asked += 1;
      update(`${asked} of ${nodes.length} nodes have answered, each in at most ${limitMs / 1000} s; last ${node}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return missing;
}

async function whyUnfit(shell: NodeShell, node: string, limitMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const remote = await shell(node, ['sh', '-c', NAME_MISSING, 'tools', ...TOOLS]);
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        remote.kill();
        reject(new Error(`no answer within ${limitMs / 1000} s`));
      }, limitMs);
    });
    const { status, stdout, stderr } = await Promise.race([finish(remote), late]);
    if (status !== 0) return `its probe pod runs no commands: ${stderr.trim() || `exit status ${status}`}`;
    const names = stdout.split('\n').filter(Boolean);
    return names.length > 0 ? `its probe pod lacks ${names.join(', ')}` : undefined;
  } catch (error) {
    return `no command can be run in its probe pod: ${messageOf(error)}`;
  } finally {
    clearTimeout(timer);
  }
}
