import {
  type Frame,
  type IpLayer,
  ipLayers,
  type Layer,
  LinkType,
  layerOf,
  outerIp,
  type Packet,
} from '../wire/packet.ts';
import type { CiphertextSeen } from './ciphertext.ts';
import { describePacket } from './describe.ts';
import { secretLines } from './excerpt.ts';
import { Networks } from './networks.ts';
import { type PodHeader, podHeaders } from './pod-headers.ts';
import type { NodeRecord, Record, TapRecord } from './record.ts';
import { type Scope, scopeOf } from './scope.ts';
import { Towards } from './towards.ts';

/** How many packets are kept as evidence for each pair: the first ones, and the first ones that hold something to read. */
const KEPT = 5;

/** In how many packets of a pair something to read is looked for. */
const LOOKED_AT = 500;

/** What one tap saw, of all that matters to the proof. */
export interface TapSeen {
  node: string;
  interface: string;
  frames: number;
  /** Frames that are shorter in the file than on the wire. */
  cut: number;
  /** Why the file cannot be read to its end; undefined where it is whole. */
  broken: string | undefined;
  /** Streams and datagrams that the search for markers had to give up, so that a split marker may have been missed. */
  unsearched: number;
  /** At least one frame came from the node's own underlay interface, so this is where the tap was. */
  placed: boolean;
  /** The control packets to each other node. */
  controls: ReadonlyMap<string, { open: boolean; close: boolean }>;
  plaintext: readonly PlaintextSeen[];
  /** What the tap's node sent to each other node, beside plaintext. */
  towards: ReadonlyMap<string, TowardsSeen>;
  /** Packets that are in clear by design, by what they are. */
  outOfScope: ReadonlyMap<Scope, number>;
  evidence: readonly Evidence[];
}

/** Packets in clear, of the traffic from one node to another. */
export interface PlaintextSeen {
  from: string;
  to: string;
  packets: number;
  markerPackets: number;
  /** Ids of the markers that were read. */
  markers: ReadonlySet<string>;
}

/** What one node sent to another in the outermost header. */
export interface TowardsSeen {
  wireguard: CiphertextSeen;
  esp: CiphertextSeen;
  /** The indexes that packets back must carry, as those handshakes say whose mac1 fits the receiver's published key. */
  announced: ReadonlySet<number>;
  /** Handshakes whose mac1 does not. */
  misaddressedHandshakes: number;
  /** Packets on WireGuard's ports that are not WireGuard, and why the first is not. */
  foreign: number;
  foreignWhy: string | undefined;
  /** IP fragments, which are not counted as ciphertext. */
  fragments: number;
}

/** A packet that is kept to be shown. */
export interface Evidence {
  kind: 'plaintext' | 'ciphertext';
  from: string;
  to: string;
  /** The node whose tap captured it, and its number in the file, from 1 as Wireshark counts. */
  tap: string;
  frame: number;
  description: string;
  markers: string[];
  /** Readable secrets of a packet in clear; a hex dump of ciphertext. */
  lines: string[];
}

interface Plaintext extends PlaintextSeen {
  markers: Set<string>;
  keptUnreadable: number;
  keptReadable: number;
}

type Route = readonly [from: string, to: string];

/** Looks at the frames of one tap, one after the other, and keeps only what they amount to. */
export class TapExaminer {
  readonly #record: Record;
  readonly #tap: TapRecord;
  readonly #node: NodeRecord;
  readonly #networks: Networks;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #towards = new Map<string, Towards>();
  readonly #plaintext = new Map<string, Plaintext>();
  readonly #outOfScope = new Map<Scope, number>();
  readonly #evidence: Evidence[] = [];
  #frames = 0;
  #cut = 0;
  #placed = false;

  constructor(record: Record, tap: TapRecord, node: NodeRecord) {
    this.#record = record;
    this.#tap = tap;
    this.#node = node;
    this.#networks = new Networks(record);
    this.#routes = markerRoutes(record);
    for (const peer of record.nodes) {
      if (peer.name !== node.name) this.#towards.set(peer.name, new Towards(record, node, peer));
    }
  }

  /** Takes a frame in; `markers` are the ids of those that it holds, or completes. */
  see(frame: Frame, packet: Packet, markers: readonly string[]): void {
    this.#frames += 1;
    if (frame.originalLength > frame.bytes.length) this.#cut += 1;
    const ethernet = frame.linkType === LinkType.ethernet ? layerOf(packet, 'ethernet') : undefined;
    const own = ethernet?.source === this.#node.macAddress;
    if (own) this.#placed = true;
    if (!own && this.#tap.direction === 'both' && ethernet?.destination === this.#node.macAddress) {
      // It arrived here. Its sender's tap saw it as it was on the wire; IPsec shows it here once more, decrypted.
      this.#addOutOfScope('received');
      return;
    }
    const inClear = this.#seePlaintext(frame, packet, markers);
    const accounted = own && this.#seeTowards(frame, packet);
    if (!inClear && !accounted) this.#addOutOfScope(scopeOf(packet, this.#networks));
  }

  /** What the frames amount to, with what their reader knows of the file and the search. */
  seen({ broken, unsearched }: Pick<TapSeen, 'broken' | 'unsearched'>): TapSeen {
    const { name } = this.#node;
    return {
      node: name,
      interface: this.#tap.interface,
      frames: this.#frames,
      cut: this.#cut,
      broken,
      unsearched,
      placed: this.#placed,
      controls: new Map([...this.#towards].map(([to, { control }]) => [to, control])),
      // A tap elsewhere (on the tunnel device, in a pod) shows plaintext that never is on the wire.
      plaintext: this.#placed ? [...this.#plaintext.values()] : [],
      towards: new Map([...this.#towards].map(([to, towards]) => [to, towards.seen()])),
      outOfScope: this.#outOfScope,
      evidence: this.#placed ? [...this.#evidence, ...this.#ciphertextEvidence()] : [],
    };
  }

  /** Gives whether the frame holds anything in clear that should not be. */
  #seePlaintext(frame: Frame, packet: Packet, markers: readonly string[]): boolean {
    const pairs = new Map<string, { route: Route; markers: string[] }>();
    const hold = (route: Route, marker?: string) => {
      const pair = pairs.get(pairKey(route)) ?? { route, markers: [] };
      if (marker !== undefined) pair.markers.push(marker);
      pairs.set(pairKey(route), pair);
    };
    for (const id of markers) {
      const route = this.#routes.get(id);
      if (route) hold(route, id);
    }
    for (const header of podHeaders(packet, frame.bytes, this.#networks)) {
      for (const route of this.#routesOf(header)) hold(route);
    }
    const tunnel = pairs.size === 0 ? this.#tunnelOfPods(packet) : undefined;
    if (tunnel) hold(tunnel);
    for (const pair of pairs.values()) this.#addPlaintext(frame, packet, pair.route, pair.markers);
    return pairs.size > 0;
  }

  /**
   * The pairs that a packet between two pods counts against. Where its addresses do not name two nodes, it counts
   * against all that the tap's node sends: pods of one node have no business on the wire, and pool addresses
   * that nobody is known to have may be anybody's.
   */
  #routesOf({ from, to }: PodHeader): Route[] {
    if (from !== null && to !== null && from !== to)
      return this.#examined(from) && this.#examined(to) ? [[from, to]] : [];
    return [...this.#towards.keys()].map((peer) => [this.#node.name, peer]);
  }

  /** The nodes that a pod's packet is tunnelled between, whoever it talks to (a client outside, by way of another node). */
  #tunnelOfPods(packet: Packet): Route | undefined {
    const [outer, ...inner] = ipLayers(packet);
    if (!outer || !inner.some((ip) => this.#isPod(ip.source) || this.#isPod(ip.destination))) return undefined;
    const [from, to] = [this.#nodeAt(outer.source), this.#nodeAt(outer.destination)];
    return from !== undefined && to !== undefined && from !== to ? [from, to] : undefined;
  }

  #examined(node: string): boolean {
    return this.#record.nodes.some(({ name }) => name === node);
  }

  #isPod(address: string): boolean {
    return this.#networks.owner(address)?.kind === 'pod';
  }

  #addPlaintext(frame: Frame, packet: Packet, [from, to]: Route, markers: string[]): void {
    const key = pairKey([from, to]);
    const seen = this.#plaintext.get(key) ?? newPlaintext(from, to);
    this.#plaintext.set(key, seen);
    seen.packets += 1;
    if (markers.length > 0) seen.markerPackets += 1;
    for (const marker of markers) seen.markers.add(marker);
    if (seen.keptReadable < KEPT && seen.packets <= LOOKED_AT) this.#keep(frame, packet, seen, markers);
  }

  #keep(frame: Frame, packet: Packet, seen: Plaintext, markers: string[]): void {
    const texts = markers.map((id) => this.#record.markers[id] ?? '').filter((text) => text !== '');
    const lines = secretLines(frame.bytes, texts);
    if (lines.length > 0) seen.keptReadable += 1;
    else if (seen.keptUnreadable < KEPT) seen.keptUnreadable += 1;
    else return;
    const { from, to } = seen;
    const common = { kind: 'plaintext', from, to, tap: this.#node.name, frame: frame.index + 1 } as const;
    this.#evidence.push({ ...common, description: describePacket(packet), markers, lines });
  }

  #ciphertextEvidence(): Evidence[] {
    return [...this.#towards.values()].flatMap(({ sample }) => (sample ? [sample] : []));
  }

  #seeTowards(frame: Frame, packet: Packet): boolean {
    const ip = outerIp(packet);
    if (!ip || this.#nodeAt(ip.source) !== this.#node.name) return false;
    const towards = this.#towards.get(this.#nodeAt(ip.destination) ?? '');
    return towards?.see(frame, packet, ip, layerAfter(packet, ip)) ?? false;
  }

  #nodeAt(address: string): string | undefined {
    const owner = this.#networks.owner(address);
    return owner?.kind === 'node' ? (owner.node ?? undefined) : undefined;
  }

  #addOutOfScope(scope: Scope): void {
    this.#outOfScope.set(scope, (this.#outOfScope.get(scope) ?? 0) + 1);
  }
}

function newPlaintext(from: string, to: string): Plaintext {
  return { from, to, packets: 0, markerPackets: 0, markers: new Set(), keptUnreadable: 0, keptReadable: 0 };
}

function layerAfter(packet: Packet, ip: IpLayer): Layer | undefined {
  return packet.layers[packet.layers.indexOf(ip) + 1];
}

/** Which way each marker of the traffic goes. Those of control packets are in clear on purpose, and not among them. */
function markerRoutes(record: Record): Map<string, Route> {
  return new Map(
    record.probes.flatMap(({ from, to, request, reply }): [string, Route][] => [
      [request, [from, to]],
      [reply, [to, from]],
    ]),
  );
}

function pairKey([from, to]: Route): string {
  return `${from}\0${to}`;
}
