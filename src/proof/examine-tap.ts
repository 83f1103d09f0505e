import { type Frame, type IpLayer, type Layer, LinkType, layerOf, outerIp, type Packet } from '../wire/packet.ts';
import type { Unsearched } from '../wire/unsearched.ts';
import type { Account, Route } from './accounts.ts';
import type { Cluster } from './cluster.ts';
import { Controls } from './controls.ts';
import type { Evidence } from './evidence.ts';
import { Fragments, isFragment } from './fragments.ts';
import { type Header, headersOf } from './headers.ts';
import { TapLedger } from './ledger.ts';
import { accountOfNodes } from './node-packets.ts';
import { accountOfPods, conversationOf, overlayOf, type Sight } from './pod-packets.ts';
import type { NodeRecord, TapRecord } from './record.ts';
import { Shown } from './shown.ts';
import { Towards, type TowardsSeen } from './towards.ts';

/** Everything that one tap saw and the proof needs. */
export interface TapSeen {
  readonly node: string;
  readonly interface: string;
  /** Frames in the file. */
  readonly frames: number;
  /** Frames that are shorter in the file than on the wire. */
  readonly cut: number;
  /** Why the file cannot be read to its end; undefined if it is whole. */
  readonly broken: string | undefined;
  /** Streams and datagrams that the search for markers had to give up, so that a split marker may have been missed. */
  readonly unsearched: number;
  /** At least one frame came from the node's own underlay interface, so this is where the tap was. */
  readonly placed: boolean;
  readonly ledger: TapLedger;
  /** How many frames are in an entry of the ledger. */
  readonly accounted: number;
  /** The encrypted traffic that the tap's node sent, by the receiving node. */
  readonly towards: ReadonlyMap<string, TowardsSeen>;
  /** Conversations that a node began with a pod. */
  readonly begunByNodes: ReadonlySet<string>;
  readonly shown: readonly Evidence[];
}

/** The most conversations of nodes with pods that are remembered. */
const MAX_CONVERSATIONS = 65_536;

/** Reads the frames of one tap, one after the other, enters each in the ledger, and keeps only what they amount to. */
export class TapExaminer {
  readonly #cluster: Cluster;
  readonly #tap: TapRecord;
  readonly #node: NodeRecord;
  readonly #ledger: TapLedger;
  readonly #controls: Controls;
  readonly #fragments = new Fragments();
  readonly #towards = new Map<string, Towards>();
  readonly #begunByNodes = new Set<string>();
  readonly #shown: Shown;
  #frames = 0;
  #cut = 0;
  #placed = false;

  constructor(cluster: Cluster, tap: TapRecord, node: NodeRecord) {
    this.#cluster = cluster;
    this.#tap = tap;
    this.#node = node;
    this.#ledger = new TapLedger(node.name);
    this.#controls = new Controls(cluster.controls, node.name);
    this.#shown = new Shown(node.name, cluster.record.markers);
  }

  /** Enters a frame; `found` are the ids of the markers that it holds, or completes. */
  see(frame: Frame, packet: Packet, found: readonly string[]): void {
    // The markers of control packets have no route: they are in plaintext on purpose.
    const markers = found.filter((id) => this.#cluster.markerRoutes.has(id));
    this.#frames += 1;
    if (frame.originalLength > frame.bytes.length) this.#cut += 1;
    const ethernet = frame.linkType === LinkType.ethernet ? layerOf(packet, 'ethernet') : undefined;
    const own = ethernet?.source === this.#node.macAddress;
    if (own) this.#placed = true;
    if (!own && this.#tap.direction === 'both' && ethernet?.destination === this.#node.macAddress) {
      // Its sender's tap saw it as it was on the wire; IPsec shows it here once more, decrypted.
      this.#ledger.add({ ...RECEIVED, to: this.#node.name }, frame.originalLength);
      return;
    }
    const nextHop = ethernet && this.#cluster.nodeOfMac.get(ethernet.destination);
    const account = this.#accountOf(frame, packet, markers, own, nextHop);
    this.#ledger.add(account, frame.originalLength, markers);
    this.#shown.consider(account, frame, packet, markers);
  }

  /** Notes that some frames, entered before, held a marker together. */
  sawParts(marker: string, frames: readonly number[]): void {
    const route = this.#cluster.markerRoutes.get(marker);
    if (!route) return;
    const last = frames.at(-1);
    for (const frame of frames) {
      const before = this.#ledger.accountOf(frame);
      if (!before || before.class === 'pod plaintext' || before.class === 'received') continue;
      const { protocol, port } = before;
      const account: Account = { class: 'pod plaintext', what: PART, from: route[0], to: route[1], protocol, port };
      this.#ledger.move(frame, account, frame === last ? [marker] : []);
    }
  }

  /** Notes that frames could not be searched completely: those by design between two nodes become unexplained. */
  notSearched({ reason, frames }: Unsearched): void {
    for (const frame of frames) {
      const before = this.#ledger.accountOf(frame);
      if (before?.class !== 'by design' || before.from === null || before.to === null) continue;
      const { from, to, protocol, port } = before;
      const account: Account = { class: 'unexplained', what: `not searched: ${reason}`, from, to, protocol, port };
      this.#ledger.move(frame, account);
    }
  }

  /** Returns what the frames amount to, with what their reader knows of the file and the search. */
  seen({ broken, unsearched }: Pick<TapSeen, 'broken' | 'unsearched'>): TapSeen {
    const { name } = this.#node;
    this.#ledger.close();
    const towards = new Map([...this.#towards].map(([to, each]): [string, TowardsSeen] => [to, each.seen()]));
    const samples = [...towards.values()].flatMap(({ sample }) => sample ?? []);
    return {
      node: name,
      interface: this.#tap.interface,
      frames: this.#frames,
      cut: this.#cut,
      broken,
      unsearched,
      placed: this.#placed,
      ledger: this.#ledger,
      accounted: this.#ledger.entries.reduce((sum, { packets }) => sum + packets, 0),
      towards,
      begunByNodes: this.#begunByNodes,
      // A tap elsewhere (on the tunnel device, in a pod) shows plaintext that never is on the wire.
      shown: this.#placed ? [...this.#shown.evidence, ...samples] : [],
    };
  }

  #accountOf(
    frame: Frame,
    packet: Packet,
    markers: readonly string[],
    own: boolean,
    nextHop: string | undefined,
  ): Account {
    const sight = { tap: this.#node.name, nextHop, claimed: this.#cluster.claimed, design: this.#cluster.design };
    const leak = this.#leakIn(packet, frame.bytes, markers, sight);
    if (leak && leak.class !== 'by design') return leak;
    const ip = outerIp(packet);
    const next = ip && packet.layers[packet.layers.indexOf(ip) + 1];
    if (ip && isFragment(ip, next)) return this.#fragment(frame, ip, own, sight);
    return leak ?? this.#withoutPods(packet, frame, own, nextHop);
  }

  #withoutPods(packet: Packet, frame: Frame, own: boolean, nextHop: string | undefined): Account {
    const ip = outerIp(packet);
    const next = ip && packet.layers[packet.layers.indexOf(ip) + 1];
    const route = ip && this.#routeOf(ip);
    if (ip && route) {
      const encrypted = own ? this.#encrypted(packet, frame, next, route) : undefined;
      if (encrypted) return encrypted;
      if (!own) return { ...NOT_OWN, from: route[0], to: route[1] };
    }
    return accountOfNodes(packet, frame.linkType, {
      tap: this.#node.name,
      nextHop,
      networks: this.#cluster.networks,
    });
  }

  /** Returns the gravest account for what can be read of pods in a frame: a marker of the run's traffic, or a pod's address in a header. */
  #leakIn(packet: Packet, bytes: Uint8Array, markers: readonly string[], sight: Sight): Account | undefined {
    const headers = headersOf(packet, bytes, this.#cluster.networks);
    for (const header of headers) this.#noteConversation(header);
    const found = headers.flatMap((header) => accountOfPods(header, sight) ?? overlayOf(header, sight) ?? []);
    const routes = markers.flatMap((id) => {
      const route = this.#cluster.markerRoutes.get(id);
      return route ? [route] : [];
    });
    const [first] = routes;
    if (first) {
      const wrapping = headers.at(-1);
      const [protocol, port] = [wrapping?.protocol ?? null, null];
      found.unshift({
        class: 'pod plaintext',
        what: 'a marker of this run',
        from: first[0],
        to: first[1],
        protocol,
        port,
      });
    }
    const gravest =
      found.find((each) => each.class === 'pod plaintext') ?? found.find((each) => each.class === 'unexplained');
    if (!gravest) return found[0];
    const also = gravest.class === 'pod plaintext' ? furtherRoutes(gravest, found, routes) : [];
    return also.length > 0 ? { ...gravest, also } : gravest;
  }

  #noteConversation(header: Header): void {
    if (this.#begunByNodes.size >= MAX_CONVERSATIONS) return;
    const { from, to } = header;
    if (from?.kind === 'node' && to?.kind === 'pod') this.#begunByNodes.add(conversationOf(header));
    if (from?.kind === 'pod' && to?.kind === 'node' && header.accepts) {
      const { source, sourcePort, destination, destinationPort } = header;
      const turned = {
        source: destination,
        sourcePort: destinationPort,
        destination: source,
        destinationPort: sourcePort,
      };
      this.#begunByNodes.add(conversationOf({ ...header, ...turned }));
    }
  }

  /** Accounts for a fragment: it counts like its datagram once that is whole; until then it is unknown. */
  #fragment(frame: Frame, ip: IpLayer, own: boolean, sight: Sight): Account {
    const { tap, nextHop } = sight;
    const whole = this.#fragments.add(frame);
    if (!whole) {
      const [from, to] = this.#routeOf(ip) ?? [tap, nextHop ?? null];
      return { class: 'unexplained', what: 'fragments of a packet that never became whole', from, to, ...NO_SERVICE };
    }
    const { packet } = whole;
    const leak = this.#leakIn(packet, packet.bytes, [], sight);
    const account = leak ?? this.#withoutPods(packet, { ...frame, bytes: packet.bytes }, own, nextHop);
    for (const index of whole.frames) {
      if (this.#ledger.accountOf(index)?.class === 'unexplained') this.#ledger.move(index, account);
    }
    return account;
  }

  #encrypted(packet: Packet, frame: Frame, next: Layer | undefined, route: Route): Account | undefined {
    const [from, to] = route;
    if (from !== this.#node.name) return undefined;
    const control = this.#controls.accountOf(packet, next, route);
    if (control) {
      if (control.which) this.#towardsOf(to).control(control.which);
      return control.account;
    }
    const seen = { packet, frame: frame.index + 1, time: frame.time };
    if (next?.kind === 'udp') {
      const account = this.#towardsOf(to).wireguard(seen, next);
      if (account) return account;
    }
    const esp = layerOf(packet, 'esp');
    if (!esp) return undefined;
    if (this.#cluster.design.esp) return this.#towardsOf(to).esp(seen, esp, next?.kind === 'udp' ? 4500 : null);
    if (esp.inUdp) return undefined;
    const what = "ESP, which is not this CNI's encryption";
    return { class: 'unexplained', what, from, to, protocol: 'esp', port: null };
  }

  #routeOf(ip: IpLayer): Route | undefined {
    const [from, to] = [this.#cluster.networks.nodeAt(ip.source), this.#cluster.networks.nodeAt(ip.destination)];
    return from !== undefined && to !== undefined && from !== to ? [from, to] : undefined;
  }

  #towardsOf(to: string): Towards {
    const known = this.#towards.get(to);
    if (known) return known;
    const towards = new Towards(this.#cluster, this.#node.name, to);
    this.#towards.set(to, towards);
    return towards;
  }
}

const PART = 'a part of a marker of this run';
const NO_SERVICE = { protocol: null, port: null };
const RECEIVED: Account = { class: 'received', what: 'what arrived', from: null, to: null, ...NO_SERVICE };
const NOT_OWN: Account = {
  class: 'unexplained',
  what: "between nodes' addresses, but from another sender than the node",
  from: null,
  to: null,
  ...NO_SERVICE,
};

/** How many pairs one frame counts against by name. */
const MOST_ROUTES = 8;

/** Returns the pairs that a frame counts against besides the account's own. */
function furtherRoutes({ from, to }: Account, found: readonly Account[], routes: readonly Route[]): Route[] {
  const all = [
    ...routes,
    ...found.flatMap((each): Route[] =>
      each.class === 'pod plaintext' && each.from !== null && each.to !== null ? [[each.from, each.to]] : [],
    ),
  ];
  const further = new Map(
    all.filter((route) => route[0] !== from || route[1] !== to).map((route) => [route.join('\0'), route]),
  );
  return [...further.values()].slice(0, MOST_ROUTES);
}
