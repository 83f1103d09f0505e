import type { Cluster } from '../../../kube/cluster.ts';
import type { Node } from '../../../kube/objects.ts';
import type { Check } from '../../../machine/check.ts';

/** The first Linux with WireGuard in it. */
const WITH_WIREGUARD = [5, 6] as const;

const NAMED = 3;

/** The nodes' systems and kernels: what runs no Linux is not probed, and what has an old one may not encrypt. */
export async function nodesCheck(cluster: Cluster): Promise<Check[]> {
  const nodes = await cluster.nodes();
  const linux = nodes.filter((node) => systemOf(node) === 'linux');
  const others = nodes.filter((node) => systemOf(node) !== 'linux');
  const unready = linux.filter(({ status }) => !status?.conditions?.some(isReady));
  const old = linux.filter((node) => !hasWireguard(kernelOf(node)));
  const check = { name: 'nodes', needed: 'nodes that run Linux and are Ready' };
  const kernels = {
    name: "nodes' kernels",
    needed: `Linux ${WITH_WIREGUARD.join('.')} or later, for WireGuard`,
    seen: grouped(
      linux.map((node) => `${kernelOf(node)} (${node.status?.nodeInfo?.osImage ?? 'of an unknown system'})`),
    ),
  };
  const left = [
    ...(others.length > 0 ? [`without Linux: ${some(others)}`] : []),
    ...(unready.length > 0 ? [`not Ready: ${some(unready)}`] : []),
  ];
  const seen = [`${linux.length} with Linux`, ...left].join('; ');
  const usable = linux.length - unready.length > 0;
  const whole: Check =
    left.length === 0 && usable
      ? { ...check, ok: true, seen }
      : {
          ...{ ...check, seen, ok: usable ? 'warning' : false },
          remedy: '--nodes SELECTOR leaves nodes out; pairs with nodes that cannot be probed stay inconclusive',
        };
  if (linux.length === 0) return [whole];
  if (old.length === 0) return [whole, { ...kernels, ok: true }];
  return [
    whole,
    {
      ...{ ...kernels, ok: 'warning', seen: `${kernels.seen}; too old: ${some(old)}` },
      remedy: 'a newer kernel there, or the module of the distribution: without it these nodes send plaintext',
    },
  ];
}

function systemOf({ status }: Node): string {
  return status?.nodeInfo?.operatingSystem || 'linux';
}

function kernelOf({ status }: Node): string {
  return status?.nodeInfo?.kernelVersion || 'unknown';
}

function isReady({ type, status }: { type: string; status: string }): boolean {
  return type === 'Ready' && status === 'True';
}

/** An unknown version is not called old. */
export function hasWireguard(kernel: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  if (major === undefined) return true;
  const [first, second] = WITH_WIREGUARD;
  return Number(major) > first || (Number(major) === first && Number(minor) >= second);
}

/** Each once, with how many there are of it. */
function grouped(values: readonly string[]): string {
  const kinds = [...new Set(values)];
  const counted = kinds.map((kind) => `${kind} on ${values.filter((value) => value === kind).length}`);
  const more = kinds.length > NAMED ? ` and ${kinds.length - NAMED} more` : '';
  return counted.slice(0, NAMED).join(', ') + more;
}

function some(nodes: readonly Node[]): string {
  const names = nodes.map(({ metadata }) => metadata?.name ?? '');
  return names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');
}
