import type { Route } from './accounts.ts';
import { type ControlTexts, controlTexts } from './controls.ts';
import { Networks } from './networks.ts';
import type { NodeRecord, ProbeRecord, Record, TapRecord, WireguardRecord } from './record.ts';
import { type Sequence, sequencesOf } from './sequences.ts';
import { type WireDesign, wireDesign } from './wire-design.ts';

/** Holds what a record says about the cluster and the run, arranged for a lookup with each packet. */
export class Cluster {
  readonly record: Record;
  readonly networks: Networks;
  readonly design: WireDesign;
  readonly controls: ControlTexts;
  /** The nodes that the claim is about, whether they could be probed or not. */
  readonly claimed: ReadonlySet<string>;
  readonly nodeOfMac: ReadonlyMap<string, string>;
  /** The direction in which each marker of the traffic goes. Those of control packets are in plaintext on purpose. */
  readonly markerRoutes: ReadonlyMap<string, Route>;
  readonly #nodes: ReadonlyMap<string, NodeRecord>;
  readonly #taps: ReadonlyMap<string, TapRecord>;
  readonly #probes: ReadonlyMap<string, ProbeRecord>;
  /** The pairs of nodes that control packets were sent between. */
  readonly #controlled: ReadonlySet<string>;
  readonly #sequences: ReadonlyMap<string, readonly Sequence[]>;
  readonly #byKey = new Map<string, string[]>();
  readonly #unprobed: ReadonlyMap<string, { readonly name: string; readonly reason: string }>;
  /** The problem that spoils the run on a node, or (null) as a whole. */
  readonly #problems = new Map<string | null, string>();

  constructor(record: Record) {
    this.record = record;
    this.networks = new Networks(record);
    this.design = wireDesign(record);
    this.controls = controlTexts(record);
    this.claimed = new Set([...record.nodes, ...(record.unprobed ?? [])].map(({ name }) => name));
    this.nodeOfMac = new Map(record.nodes.map(({ macAddress, name }) => [macAddress, name]));
    this.markerRoutes = new Map(
      record.probes.flatMap(({ from, to, request, reply }): [string, Route][] => [
        [request, [from, to]],
        [reply, [to, from]],
      ]),
    );
    this.#nodes = new Map(record.nodes.map((node) => [node.name, node]));
    this.#taps = new Map(record.taps.map((tap) => [tap.node, tap]));
    this.#probes = new Map(record.probes.map((probe) => [pairKey(probe.from, probe.to), probe]));
    this.#controlled = new Set(record.controls.map(({ from, to }) => pairKey(from, to)));
    this.#unprobed = new Map((record.unprobed ?? []).map((node) => [node.name, node]));
    for (const { node, message } of record.problems) {
      if (!this.#problems.has(node)) this.#problems.set(node, message);
    }
    for (const { name, wireguard, wireguard6 } of record.nodes) {
      for (const key of [wireguard?.publicKey, wireguard6?.publicKey]) {
        if (key) this.#byKey.set(key, [...(this.#byKey.get(key) ?? []).slice(0, 1), name]);
      }
    }
    this.#sequences = sequencesOf(record);
  }

  /** Returns a node that was probed. */
  node(name: string): NodeRecord | undefined {
    return this.#nodes.get(name);
  }

  /** Returns a WireGuard device of a node: that for IPv4, which may carry both families, or one for IPv6 alone. */
  device(name: string, which: 4 | 6): WireguardRecord | undefined {
    const node = this.#nodes.get(name);
    return (which === 6 ? node?.wireguard6 : node?.wireguard) ?? undefined;
  }

  /** Returns which device of a node carries the packets of a family; undefined if none does. */
  deviceFor(name: string, family: 4 | 6): 4 | 6 | undefined {
    if (family === 4) return this.device(name, 4) && 4;
    if (this.device(name, 6)) return 6;
    const kinds = this.record.encryption?.kinds ?? [];
    const carries = kinds.some(
      (kind) =>
        kind.kind === 'wireguard' && kind.families.includes(6) && kind.interface === this.device(name, 4)?.interface,
    );
    return carries ? 4 : undefined;
  }

  /** Returns the sequences that were sent from a pod on one node to pods on another, and that the proof must recognise. */
  sequences(from: string, to: string): readonly Sequence[] {
    return this.#sequences.get(pairKey(from, to)) ?? [];
  }

  /** Returns a node that could not be probed, with the reason. */
  unprobed(node: string): { readonly name: string; readonly reason: string } | undefined {
    return this.#unprobed.get(node);
  }

  /** Returns the problem that spoils the run on a node. */
  problem(node: string): string | undefined {
    return this.#problems.get(null) ?? this.#problems.get(node);
  }

  /** Returns the run's report about the tap on a node. */
  tap(node: string): TapRecord | undefined {
    return this.#taps.get(node);
  }

  /** Returns the connection from a pod on one node to a pod on the other. */
  probe(from: string, to: string): ProbeRecord | undefined {
    return this.#probes.get(pairKey(from, to));
  }

  /** Returns whether control packets were sent from one node to the other. */
  hasControls(from: string, to: string): boolean {
    return this.#controlled.has(pairKey(from, to));
  }

  /** Returns another node that publishes the same key. */
  twinOf(name: string, publicKey: string): string | undefined {
    return this.#byKey.get(publicKey)?.find((other) => other !== name);
  }
}

/** Names an ordered pair of nodes in a map. */
export function pairKey(from: string, to: string): string {
  return `${from}\0${to}`;
}
