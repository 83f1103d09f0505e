import type {
  AuthenticationLayer,
  ErspanLayer,
  GreLayer,
  GtpLayer,
  L2tpLayer,
  LlcLayer,
  LoopbackLayer,
  MplsLayer,
  NflogLayer,
  PppLayer,
  PppoeLayer,
  SctpLayer,
  WrapperLayer,
} from './encapsulation-layers.ts';
import type { Header, Span } from './span.ts';

export type * from './encapsulation-layers.ts';

/**
 * A decoded packet. Layers are listed outermost first, through every encapsulation that was understood; a packet quoted in
 * an ICMP error is not among them but hangs on its ICMP layer.
 */
export interface Packet {
  /** The bytes that all offsets refer to: the frame, or the datagram put together from fragments. */
  readonly bytes: Uint8Array;
  readonly layers: readonly Layer[];
  /** The bytes after the last layer, without the padding that Ethernet adds to short frames. */
  readonly payload: Span;
  readonly ending: Ending;
}

/**
 * Why the decoding ended where it did. `truncated`: the bytes end before the headers say so (snap length, or a first fragment).
 * `malformed`: a header contradicts itself. `too deep`: more layers than `MAX_LAYERS`. In all cases the layers up to there are right.
 */
export type Ending = 'complete' | 'truncated' | 'malformed' | 'too deep';

export type Layer =
  | EthernetLayer
  | VlanLayer
  | SllLayer
  | Sll2Layer
  | ArpLayer
  | Ipv4Layer
  | Ipv6Layer
  | Ipv6ExtensionLayer
  | Ipv6FragmentLayer
  | TcpLayer
  | UdpLayer
  | IcmpLayer
  | Icmpv6Layer
  | VxlanLayer
  | GeneveLayer
  | WireguardLayer
  | EspLayer
  | LoopbackLayer
  | NflogLayer
  | LlcLayer
  | MplsLayer
  | PppoeLayer
  | PppLayer
  | AuthenticationLayer
  | SctpLayer
  | GreLayer
  | ErspanLayer
  | GtpLayer
  | L2tpLayer
  | WrapperLayer;

export type IpLayer = Ipv4Layer | Ipv6Layer;

/** Hardware addresses are written `02:00:00:00:00:01`. */
export interface EthernetLayer extends Header<'ethernet'> {
  readonly destination: string;
  readonly source: string;
  readonly etherType: number;
}

/** One tag: `tagType`, which is in the header before it, is 0x8100 for 802.1Q, 0x88a8 for 802.1ad, and 0x9100 for what came before that. */
export interface VlanLayer extends Header<'vlan'> {
  readonly tagType: number;
  readonly priority: number;
  readonly dropEligible: boolean;
  readonly id: number;
  readonly etherType: number;
}

/** Linux cooked capture, version 1 (tcpdump -i any before libpcap 1.10). `packetType` 4 is outgoing. */
export interface SllLayer extends Header<'sll'> {
  readonly packetType: number;
  readonly hardwareType: number;
  readonly addressLength: number;
  /** A hardware address, or the IPv4 address of a tunnel's end; empty if the device has none. */
  readonly source: string;
  readonly etherType: number;
}

/** Linux cooked capture, version 2: also says on which interface. */
export interface Sll2Layer extends Header<'sll2'> {
  readonly packetType: number;
  readonly hardwareType: number;
  readonly interfaceIndex: number;
  readonly addressLength: number;
  readonly source: string;
  readonly etherType: number;
}

/** ARP for IPv4 over Ethernet; other kinds of ARP are payload. `operation` 1 asks, 2 answers. */
export interface ArpLayer extends Header<'arp'> {
  readonly operation: number;
  readonly senderHardware: string;
  readonly sender: string;
  readonly targetHardware: string;
  readonly target: string;
}

export interface Ipv4Layer extends Header<'ipv4'> {
  readonly source: string;
  readonly destination: string;
  /** The protocol that follows: 1 ICMP, 4 IPv4, 6 TCP, 17 UDP, 41 IPv6, 50 ESP. */
  readonly protocol: number;
  /** The length in the header; 0 in captures of segmentation offload. */
  readonly totalLength: number;
  readonly dscp: number;
  readonly ecn: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes. If it is not 0, what follows is not decoded: see `reassembly.ts`. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly checksum: number;
}

export interface Ipv6Layer extends Header<'ipv6'> {
  /** In the form of RFC 5952. */
  readonly source: string;
  readonly destination: string;
  /** The header that follows directly, perhaps an extension header, which is a layer of its own. */
  readonly nextHeader: number;
  readonly payloadLength: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly hopLimit: number;
}

/** Hop-by-hop options (0), routing (43), authentication (51), destination options (60), mobility (135), and the like. */
export interface Ipv6ExtensionLayer extends Header<'ipv6-extension'> {
  readonly header: number;
  readonly nextHeader: number;
}

export interface Ipv6FragmentLayer extends Header<'ipv6-fragment'> {
  readonly nextHeader: number;
  readonly identification: number;
  readonly moreFragments: boolean;
  /** In bytes. */
  readonly fragmentOffset: number;
}

export interface TcpLayer extends Header<'tcp'> {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Bits as on the wire: see `TcpFlag`. */
  readonly flags: number;
  readonly window: number;
  readonly checksum: number;
  readonly urgentPointer: number;
}

export interface UdpLayer extends Header<'udp'> {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Header and payload, as the header says. */
  readonly datagramLength: number;
  readonly checksum: number;
}

export interface IcmpFields {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** The identifier of echo requests and replies. */
  readonly identifier: number | undefined;
  readonly sequence: number | undefined;
  /** The packet that an error is about, as far as it is quoted. */
  readonly quoted: Packet | undefined;
  /** True if it reports an error, which quotes the packet that it is about. */
  readonly isError: boolean;
}

export interface IcmpLayer extends Header<'icmp'>, IcmpFields {}

export interface Icmpv6Layer extends Header<'icmpv6'>, IcmpFields {}

export interface VxlanLayer extends Header<'vxlan'> {
  readonly vni: number;
  readonly flags: number;
}

export interface GeneveLayer extends Header<'geneve'> {
  readonly vni: number;
  readonly protocol: number;
  readonly flags: number;
}

/**
 * A payload with the structure of a WireGuard message, on any UDP port (Linux drivers/net/wireguard/messages.h). Structure alone
 * proves little: `mac1Fits` and the receiver index prove more. `messageLength` is that of the whole message; for `data`,
 * the header is the layer and the ciphertext is the payload.
 */
export type WireguardLayer = WireguardInitiation | WireguardResponse | WireguardCookie | WireguardData;

interface WireguardMessage<Name extends string> extends Header<'wireguard'> {
  readonly message: Name;
  readonly messageLength: number;
}

export interface WireguardInitiation extends WireguardMessage<'initiation'> {
  readonly sender: number;
  readonly ephemeral: Uint8Array;
  readonly mac1: Uint8Array;
  readonly mac2: Uint8Array;
}

export interface WireguardResponse extends WireguardMessage<'response'> {
  readonly sender: number;
  readonly receiver: number;
  readonly ephemeral: Uint8Array;
  readonly mac1: Uint8Array;
  readonly mac2: Uint8Array;
}

export interface WireguardCookie extends WireguardMessage<'cookie'> {
  readonly receiver: number;
  readonly nonce: Uint8Array;
}

export interface WireguardData extends WireguardMessage<'data'> {
  readonly receiver: number;
  readonly counter: bigint;
  /** True if it holds nothing but the tag. */
  readonly keepalive: boolean;
  /** True if the length is a multiple of 16. Padding makes it one, unless a packet fills an MTU that is not. */
  readonly aligned: boolean;
}

/** IPsec ESP: protocol 50, or in UDP port 4500. What follows the header is the payload. */
export interface EspLayer extends Header<'esp'> {
  readonly spi: number;
  readonly sequence: number;
  readonly inUdp: boolean;
}
