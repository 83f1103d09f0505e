/** The classes of the ledger. Every captured frame is in exactly one. */
export type LedgerClass = 'ciphertext' | 'control' | 'pod plaintext' | 'by design' | 'received' | 'unexplained';

export const LEDGER_CLASSES: readonly LedgerClass[] = [
  'pod plaintext',
  'unexplained',
  'ciphertext',
  'control',
  'by design',
  'received',
];

/** Two nodes, in the direction of the packet. */
export type Route = readonly [from: string, to: string];

/** The ledger's entry for a frame: its class, and the reason in words. */
export interface Account {
  readonly class: LedgerClass;
  /** In a few words. */
  readonly what: string;
  /** The nodes that the frame passed between. If `to` is null, it may concern every node that `from` sends to. */
  readonly from: string | null;
  readonly to: string | null;
  /** `tcp`, `udp`, `icmp`, … of the innermost header that is understood. */
  readonly protocol: string | null;
  /** The port that names the service: the lower one. */
  readonly port: number | null;
  /** Further pairs that the frame counts against: it may hold the packets of several. */
  readonly also?: readonly Route[];
  /** Set for ciphertext that carries packets; handshakes, cookies and keepalives do not. */
  readonly data?: boolean;
  /** Set while the class depends on what other frames show: the session or the conversation that the frame belongs to. */
  readonly pending?: Pending;
}

export type Pending =
  | {
      readonly kind: 'data' | 'keepalive' | 'handshake' | 'mac2' | 'cookie';
      readonly family: 4 | 6;
      readonly session: number;
    }
  | { readonly kind: 'esp'; readonly session: number }
  | { readonly kind: 'pod to node'; readonly conversation: string };

/** A frame that shows what an entry of the ledger is: its tap, and its number in the file, from 1 as Wireshark counts. */
export interface Example {
  readonly tap: string;
  readonly frame: number;
}

/** Frames with the same key are one entry of the ledger. */
export function keyOf({ class: kind, what, from, to, protocol, port, also, pending }: Account): string {
  const waiting = pending ? Object.values(pending).join() : '';
  return `${kind}\0${what}\0${from}\0${to}\0${protocol}\0${port}\0${also?.join() ?? ''}\0${waiting}`;
}

/** The words for a class that has too many entries to keep them apart. */
export const TOO_MANY = 'too many kinds to keep apart';

/** Returns the one entry that takes all further frames of a class once a tap has too many entries. */
export function tooManyKinds(account: Account, tap: string): Account {
  const kind = account.pending ? 'unexplained' : account.class;
  return { class: kind, what: TOO_MANY, from: tap, to: null, protocol: null, port: null };
}
