import { type CiliumState, ciliumState, hasCilium } from '../../../cni/cilium/state.ts';
import { Cluster } from '../../../kube/cluster.ts';
import { type Encryption, encryption } from '../../../operations/encrypt.ts';
import { standingLab } from '../../../operations/labs.ts';
import { type LinuxStatus, linuxStatus } from '../../../operations/linux-status.ts';
import type { NodeShell } from '../../../process/node-shell.ts';
import { table } from '../../../text/table.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';
import { encryptionText } from '../encrypt/action.ts';
import { ciliumText } from '../encrypt/cilium.ts';

export async function statusCommand(
  context: Context,
  lab: string | undefined,
  options: { lab?: string; output?: 'json' },
) {
  const { state, access, paths } = await standingLab(chosenLab(lab, options.lab));
  const cluster = Cluster.connect(access.kubeconfig);
  const [kubeNodes, kubePods, wireguard, linux] = await Promise.all([
    cluster.nodes(),
    cluster.pods(),
    stateOf(cluster, access.shell),
    linuxStatus(access.shell, state.linux ?? []),
  ]);
  const isTrue = (conditions: { type: string; status: string }[] | undefined) =>
    conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const nodes = kubeNodes.map(({ metadata, status }) => ({
    name: metadata?.name ?? '',
    ready: isTrue(status?.conditions),
    ...addressesOf((status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : []))),
    kernel: status?.nodeInfo?.kernelVersion ?? '',
  }));
  const ownPods = kubePods.filter(({ metadata }) => [undefined, metadata?.namespace].includes(access.podNamespace));
  const pods = ownPods.map(({ metadata, spec, status }) => ({
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    ready: isTrue(status?.conditions),
    phase: status?.phase ?? '',
    ...addressesOf([status?.podIP ?? '', ...(status?.podIPs ?? []).slice(1).map(({ ip = '' }) => ip)]),
    node: spec?.nodeName ?? '',
  }));
  const { name, engine, dataplane } = state;
  if (options.output) {
    printJson(context, {
      lab: name,
      engine,
      dataplane: dataplane ?? null,
      kubeconfig: paths.kubeconfig,
      nodes,
      ...(linux.length > 0 && { linux }),
      pods,
      encryption: wireguard,
    });
    return undefined;
  }
  const readiness = (ready: boolean) => (ready ? context.palette.green('yes') : context.palette.red('no'));
  const by = dataplane === undefined ? '' : `, WireGuard by ${dataplane === 'kernel' ? 'the kernel' : 'wireguard-go'}`;
  context.out.write(
    `${[
      `lab ${name} (engine ${engine}${by})`,
      '',
      table(
        ['NODE', 'READY', 'ADDRESS', 'KERNEL'],
        nodes.map((node) => [node.name, readiness(node.ready), shown(node), node.kernel]),
      ),
      ...(linux.length > 0 ? ['', linuxTable(context, linux)] : []),
      '',
      table(
        ['POD', 'READY', 'PHASE', 'ADDRESS', 'NODE'],
        pods.map((pod) => [`${pod.namespace}/${pod.name}`, readiness(pod.ready), pod.phase, shown(pod), pod.node]),
      ),
      '',
      isCilium(wireguard) ? ciliumText(wireguard) : encryptionText(wireguard),
      '',
      `kubeconfig: ${paths.kubeconfig}`,
    ].join('\n')}\n`,
  );
  return undefined;
}

/** Returns the state of encryption, with either CNI. */
async function stateOf(cluster: Cluster, shell: NodeShell): Promise<CiliumState | Encryption> {
  return (await hasCilium(cluster)) ? ciliumState(cluster) : encryption(cluster, shell);
}

function isCilium(state: CiliumState | Encryption): state is CiliumState {
  return 'encryption' in state;
}

interface Addresses {
  address: string;
  /** All of them, where there are more than one: of both families. */
  addresses?: string[];
}

function addressesOf(all: string[]): Addresses {
  return { address: all[0] ?? '', ...(all.length > 1 && { addresses: all }) };
}

function shown({ address, addresses }: Addresses): string {
  return addresses?.join(', ') ?? address;
}

function linuxTable({ palette }: Context, linux: readonly LinuxStatus[]): string {
  const rows = linux.map(({ name, interfaces, problem }) => {
    const links = interfaces.map(({ name, addresses }) => [name, ...addresses].join(' '));
    return [name, problem === undefined ? palette.green('yes') : palette.red('no'), problem ?? links.join(', ')];
  });
  return table(['LINUX NODE', 'RUNS', 'INTERFACES'], rows);
}
