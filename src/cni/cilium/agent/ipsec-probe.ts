import { runTool } from '../../../process/tool.ts';
import type { AgentNode } from './node.ts';

/** The state that the agent adds to find out whether the kernel can do it: with AES-GCM and a mask for its output mark. */
const STATE = 'src 127.0.0.1 dst 127.0.0.2 proto esp spi 42';
const PROBE = `xfrm state add ${STATE} reqid 1 mode tunnel aead rfc4106(gcm(aes)) 0x${'00'.repeat(20)} 128 output-mark 0xe00 mask 0xf00`;

const WORDS =
  'failed to init and validate daemon config: IPSec with tunneling requires support for xfrm state output masks (Linux 4.19 or later)';

/** Tries whether the kernel has what IPsec needs. Returns why not, in the words of Cilium's agent; undefined if it has. */
export async function espProblem(node: AgentNode): Promise<string | undefined> {
  try {
    await runTool(node.enter(['ip', '-batch', '-']), `${PROBE}\n`);
    await runTool(node.enter(['ip', '-batch', '-']), `xfrm state delete ${STATE}\n`);
    return undefined;
  } catch (error) {
    const [, detail = ''] = /RTNETLINK answers: (.*)/.exec(String(error)) ?? [];
    return `${WORDS}: ${(detail || 'protocol not supported').toLowerCase()}`;
  }
}
