import { usageFailure } from '../../../errors.ts';
import { Cluster } from '../../../kube/cluster.ts';
import { standingLab } from '../../../operations/labs.ts';
import { isTerminal } from '../../../process/terminal.ts';
import type { Context } from '../../context.ts';
import { attach } from './attach.ts';

/** Runs a command on a node or in a pod, and returns its exit status. */
export async function execCommand(
  { signal }: Context,
  target: string,
  command: string[],
  options: { lab?: string; tty?: boolean },
): Promise<number> {
  const { access, state } = await standingLab(options.lab);
  const tty = options.tty ?? (process.stdin.isTTY === true && isTerminal(process.stdout));
  if (command.length === 0 && !tty)
    throw usageFailure('no command given', { remedy: `wglab exec ${target} -- wg show` });
  const argv = command.length > 0 ? command : ['sh'];
  const hosts = (state.linux ?? []).map(({ name }) => name);
  if (hosts.includes(target)) return attach(await access.shell(target, argv, { tty }), tty, signal);
  const cluster = Cluster.connect(access.kubeconfig);
  const [nodes, pods] = await Promise.all([cluster.nodes(), cluster.pods()]);
  if (nodes.some(({ metadata }) => metadata?.name === target))
    return attach(await access.shell(target, argv, { tty }), tty, signal);
  const found = pods.filter(({ metadata }) =>
    [metadata?.name, `${metadata?.namespace}/${metadata?.name}`].includes(target),
  );
  const [pod] = found;
  if (pod && found.length === 1) return attach(await cluster.execInPod(pod, argv, { tty }), tty, signal);
  if (found.length > 1) throw usageFailure(`more than one pod is called ${target}`, { remedy: 'Write namespace/pod.' });
  const known = [...nodes, ...pods].map(({ metadata }) =>
    metadata?.namespace ? `${metadata.namespace}/${metadata.name}` : metadata?.name,
  );
  const names = [...hosts, ...known];
  throw usageFailure(`there is no node or pod "${target}"`, { remedy: `There are: ${names.join(', ')}.` });
}
