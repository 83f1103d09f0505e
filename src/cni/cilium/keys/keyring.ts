import type { CandidateKey, EspKeys } from '../../../wire/esp-keys.ts';
import { derivedEspKey, globalEspKey } from './derive.ts';
import type { IpsecKey } from './ipsec-secret.ts';

/** The input of the keys of a node's tunnels, as its CiliumNode publishes it. */
export interface KeyedNode {
  readonly name: string;
  /** InternalIP and CiliumInternalIP: states between either have keys of their own. */
  readonly addresses: readonly string[];
  /** Empty or undefined on a node for which Cilium makes no states. */
  readonly bootId: string | undefined;
}

/** A capture has few pairs of addresses; a hostile one is forgotten. */
const REMEMBERED = 4096;

/**
 * The keys that may open ESP between these nodes: those of the Secret whose id is the packet's SPI, derived for the direction first,
 * and then the Secret's own, which versions before 1.17 used for all nodes. `keys` are all generations in use.
 */
export function espKeyring(keys: readonly IpsecKey[], nodes: readonly KeyedNode[]): EspKeys {
  const ends = new Map(nodes.flatMap((node) => node.addresses.map((address) => [address, node] as const)));
  const known = new Map<string, readonly CandidateKey[]>();
  return (source, destination, spi) => {
    const id = `${source} ${destination} ${spi}`;
    const found =
      known.get(id) ??
      keys.filter((key) => key.id === spi).flatMap((key) => candidates(key, ends, source, destination));
    if (known.size >= REMEMBERED) known.clear();
    known.set(id, found);
    return found;
  };
}

function candidates(
  key: IpsecKey,
  ends: ReadonlyMap<string, KeyedNode>,
  source: string,
  destination: string,
): CandidateKey[] {
  const [from, to] = [ends.get(source), ends.get(destination)];
  const global = globalEspKey(key);
  const all: CandidateKey[] = [
    { ...global, scope: 'global', name: `key ${key.id} of the Secret itself, the same on all nodes` },
    {
      ...global,
      extendedSequence: true,
      scope: 'global',
      name: `key ${key.id} of the Secret itself, the same on all nodes`,
    },
  ];
  if (!from?.bootId || !to?.bootId) return all;
  const derived = derivedEspKey(
    key,
    { address: source, bootId: from.bootId },
    { address: destination, bootId: to.bootId },
  );
  return [{ ...derived, scope: 'derived', name: `key ${key.id}, derived for ${from.name} → ${to.name}` }, ...all];
}
