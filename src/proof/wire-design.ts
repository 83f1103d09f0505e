import { parseIp } from '../net/addresses.ts';
import type { Record } from './record.ts';

/** The facts about the CNI's traffic on the wire that the ledger needs. The proof knows no CNI by name. */
export interface WireDesign {
  /** `leak` if a node's own packet to a pod of another node belongs in the tunnel. */
  readonly nodeToPod: 'leak' | 'by design';
  /** `leak` if a pod's packet to the address of another node does. */
  readonly podToNode: 'leak' | 'by design';
  /** True if ESP is the CNI's encryption. */
  readonly esp: boolean;
  /** True if the addresses of services are known; if not, a private address without an owner may be one. */
  readonly knowsServices: boolean;
  /** Returns whether a packet between two nodes belongs to an encapsulation that carries nothing but pods' packets. */
  isOverlay(protocol: string | null, destinationPort: number | null): boolean;
  /** Returns whether a port of a node leads to pods: `maybe` if the record does not list the ports. */
  isNodePort(protocol: string | null, port: number | null): 'yes' | 'no' | 'maybe';
}

/** The default range of Kubernetes' node ports (--service-node-port-range). */
const NODE_PORTS = { first: 30_000, last: 32_767 };

/** Reads the design from a record. Uses the strict answer for what the record does not say. */
export function wireDesign({ encryption, serviceCidrs, nodePorts }: Record): WireDesign {
  const overlays = new Set((encryption?.overlays ?? []).map(({ protocol, port }) => `${protocol} ${port}`));
  const listed = nodePorts && new Set(nodePorts.map(({ protocol, port }) => `${protocol} ${port}`));
  return {
    nodeToPod: encryption?.nodeToPod ?? 'leak',
    podToNode: encryption?.podToNode ?? 'by design',
    esp: encryption?.kinds.some(({ kind }) => kind === 'esp') ?? false,
    knowsServices: serviceCidrs !== undefined,
    isOverlay: (protocol, port) => overlays.has(`${protocol} ${port}`) || overlays.has(`${protocol} null`),
    isNodePort: (protocol, port) => {
      if (port === null) return 'no';
      if (listed) return listed.has(`${protocol} ${port}`) ? 'yes' : 'no';
      return port >= NODE_PORTS.first && port <= NODE_PORTS.last ? 'maybe' : 'no';
    },
  };
}

/** Returns whether an address is from a range that only private networks use (RFC 1918, RFC 6598, RFC 4193). */
export function isPrivate(address: string): boolean {
  const bytes = parseIp(address);
  if (!bytes) return false;
  const [a = 0, b = 0] = bytes;
  if (bytes.length === 16) return (a & 0xfe) === 0xfc;
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128);
}

/** Returns whether an address is for everybody on the link: multicast, broadcast, link-local. */
export function isOnLink(address: string): boolean {
  const bytes = parseIp(address);
  if (!bytes) return false;
  const [a = 0, b = 0] = bytes;
  if (bytes.length === 16)
    return a === 0xff || (a === 0xfe && (b & 0xc0) === 0x80) || bytes.every((byte) => byte === 0);
  return a >= 224 || (a === 169 && b === 254) || a === 0;
}
