/** A packet that is kept for the excerpts. */
export interface Evidence {
  kind: 'plaintext' | 'ciphertext';
  from: string;
  to: string;
  /** The node whose tap captured it, and its number in the file, from 1 as Wireshark counts. */
  tap: string;
  frame: number;
  description: string;
  markers: string[];
  /** Readable secrets of a plaintext packet; a hex dump of ciphertext. */
  lines: string[];
}
