import type { UdpLayer } from '../wire/packet.ts';
import { mac1Fits } from '../wire/wireguard.ts';
import type { Account, LedgerClass, Pending } from './accounts.ts';
import { CiphertextStream, type Judged, type SessionSeen } from './ciphertext.ts';
import { Pool } from './randomness.ts';
import type { WireguardRecord } from './record.ts';
import { type CipherPacket, type Cookie, type Handshake, readWireguard } from './wireguard-messages.ts';

/** The most handshakes of one device with another that are remembered; there is one every two minutes. */
const MAX_HANDSHAKES = 4096;

/** The traffic that one WireGuard device sent to another. */
export interface WireguardSeen {
  readonly sessions: readonly SessionSeen[];
  /** The indexes that packets back must carry, from handshakes whose mac1 fits the receiver's published key. */
  readonly announced: ReadonlySet<number>;
  /** True if the encrypted parts of its handshakes and cookies, taken together, look like ciphertext. */
  readonly handshakesRandom: boolean;
  readonly sentCookies: boolean;
}

/** Two WireGuard devices, in the direction of the packet. The receiver's is undefined if its node was not asked. */
export interface WireguardEnds {
  /** The family of the pods' packets that they carry. */
  readonly family: 4 | 6;
  readonly from: string;
  readonly to: string;
  readonly mine: WireguardRecord;
  readonly theirs: WireguardRecord | undefined;
}

/** The account of a datagram on WireGuard's ports, and the longest packet in it that may be shown as ciphertext. */
export interface WireguardFound {
  readonly account: Account;
  readonly shown: { readonly payload: Uint8Array; readonly bytes: number } | undefined;
}

/** Reads what one WireGuard device sends to another, datagram by datagram, in the order of the sender's tap. */
export class WireguardWay {
  readonly stream = new CiphertextStream();
  readonly #ends: WireguardEnds;
  readonly #key: Uint8Array | undefined;
  readonly #announced = new Set<number>();
  readonly #hidden = new Pool();
  #sentCookies = false;

  constructor(ends: WireguardEnds) {
    this.#ends = ends;
    const key = ends.theirs?.publicKey;
    this.#key = key ? Buffer.from(key, 'base64') : undefined;
  }

  /**
   * Returns whether a datagram has the ports of both devices, of one, or of none. A node that was not asked counts as using this
   * one's port.
   */
  portsOf({ sourcePort, destinationPort }: UdpLayer): 'both' | 'one' | 'none' {
    const { mine, theirs = mine } = this.#ends;
    const [from, to] = [sourcePort === mine.listenPort, destinationPort === theirs.listenPort];
    if (from && to) return 'both';
    return from || to ? 'one' : 'none';
  }

  read(payload: Uint8Array, time: number): WireguardFound {
    const content = readWireguard(payload, this.#ends.mine.mtu);
    switch (content.kind) {
      case 'not WireGuard':
        return this.#unexplained(`on WireGuard's port, but not WireGuard: ${content.why}`);
      case 'handshake':
        return this.#handshake(content.handshake);
      case 'cookie':
        return this.#cookie(content.cookie);
      case 'data':
        return this.#data(payload, content.packets, time);
    }
  }

  seen(): WireguardSeen {
    return {
      sessions: this.stream.seen(),
      announced: this.#announced,
      handshakesRandom: this.#hidden.looksRandom,
      sentCookies: this.#sentCookies,
    };
  }

  #handshake({ sender, message, body, hasMac2 }: Handshake): WireguardFound {
    const { theirs, to, family } = this.#ends;
    if (theirs && !(this.#key && mac1Fits(message, this.#key))) {
      return this.#unexplained(`WireGuard handshakes that are not for the key that ${to} publishes`);
    }
    this.#hidden.add(body);
    if (this.#announced.size >= MAX_HANDSHAKES) return this.#unexplained('too many WireGuard handshakes');
    this.#announced.add(sender);
    return this.#found('ciphertext', 'WireGuard handshakes', {
      kind: hasMac2 ? 'mac2' : 'handshake',
      family,
      session: sender,
    });
  }

  #cookie({ receiver, body }: Cookie): WireguardFound {
    this.#hidden.add(body);
    this.#sentCookies = true;
    return this.#found('ciphertext', 'WireGuard cookies', {
      kind: 'cookie',
      family: this.#ends.family,
      session: receiver,
    });
  }

  /** Accounts for a datagram of data: segmentation offload puts several messages in one, and an invalid one spoils it. */
  #data(payload: Uint8Array, packets: readonly CipherPacket[], time: number): WireguardFound {
    let worst: Judged = 'keepalive';
    let longest = 0;
    for (const packet of packets) {
      const judged = this.stream.add(packet, time);
      if (judged === 'data') longest = Math.max(longest, packet.bytes);
      if (ORDER.indexOf(judged) > ORDER.indexOf(worst)) worst = judged;
    }
    const { family } = this.#ends;
    const session = packets[0]?.session ?? 0;
    if (worst === 'keepalive')
      return this.#found('ciphertext', 'WireGuard keepalives', { kind: 'keepalive', family, session });
    if (worst !== 'data') return this.#unexplained(`WireGuard's header, but ${REFUSALS[worst]}`);
    const { account } = this.#found('ciphertext', 'WireGuard data', { kind: 'data', family, session });
    return { account: { ...account, data: true }, shown: { payload, bytes: longest } };
  }

  #unexplained(what: string): WireguardFound {
    return this.#found('unexplained', what);
  }

  #found(kind: LedgerClass, what: string, pending?: Pending): WireguardFound {
    const { from, to, mine } = this.#ends;
    const account: Account = { class: kind, what, from, to, protocol: 'udp', port: mine.listenPort };
    return { account: pending ? { ...account, pending } : account, shown: undefined };
  }
}

/** The results from the best to the worst. */
const ORDER: readonly Judged[] = [
  'keepalive',
  'data',
  'counter out of place',
  'repeated counter',
  'too many sessions',
  'structured',
];

/** Says why a message is not ciphertext. */
export const REFUSALS: { readonly [judged in Judged]: string } = {
  data: '',
  keepalive: '',
  structured: 'structured content, not ciphertext',
  'repeated counter': 'a counter that was used before',
  'counter out of place': 'a counter far from those around it',
  'too many sessions': 'more sessions than two nodes can have',
};
