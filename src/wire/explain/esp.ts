import { hexOf } from '../../text/hex.ts';
import { ESP_IV_LENGTH } from '../esp-crypto.ts';
import { type EspVerdict, tryEspKeys } from '../esp-keys.ts';
import { bytesOf, type EspLayer, type Packet, type Span } from '../packet.ts';
import { type ExplainedLayer, type FieldPlan, type Knowledge, layFields } from './explained.ts';

/** The length of AES-GCM's integrity check value with Cilium, strongSwan and Libreswan. */
const USUAL_ICV = 16;

/** Explains an ESP packet: whether a key opens it, and the parts of what is encrypted. */
export function explainEsp(packet: Packet, layer: EspLayer, { espKeys }: Knowledge): EspExplained {
  const verdict = espKeys ? tryEspKeys(packet, layer, espKeys) : undefined;
  const opened = verdict?.fits === 'key' ? verdict : undefined;
  return { payload: encrypted(packet, packet.payload, verdict), ...(opened ? { opened } : {}) };
}

export interface EspExplained {
  readonly payload: ExplainedLayer;
  readonly opened?: Extract<EspVerdict, { fits: 'key' }>;
}

function encrypted(packet: Packet, span: Span, verdict: EspVerdict | undefined): ExplainedLayer {
  const icv = verdict?.fits === 'key' ? verdict.icvLength : USUAL_ICV;
  const cipher = span.length - ESP_IV_LENGTH - icv;
  // The parts are known only of AES-GCM, which a key that fits proves.
  const plans: FieldPlan[] =
    verdict?.fits === 'key'
      ? [
          [
            'IV',
            ESP_IV_LENGTH,
            hexOf(bytesOf(packet, { ...span, length: ESP_IV_LENGTH })),
            'different in every packet of a key',
          ],
          [
            'encrypted data',
            cipher,
            `${cipher} bytes`,
            'a whole IP packet, padding and its length: AES in Galois/counter mode',
          ],
          [
            'ICV',
            icv,
            'fits',
            'authenticates SPI, sequence number and data: one bit changed anywhere, and it does not fit',
          ],
        ]
      : [['data', span.length, `${span.length} bytes`]];
  return { name: 'Encrypted', about: aboutOf(verdict), ...span, fields: layFields(span, plans) };
}

function aboutOf(verdict: EspVerdict | undefined): string {
  switch (verdict?.fits) {
    case undefined:
      return '';
    case 'key':
      return `opens with ${verdict.key.name}`;
    case 'none':
      return verdict.underived
        ? "does not open with the Secret's own key; to derive the key of these nodes, their CiliumNodes must be known"
        : 'opens with no key of the Secret: made with another key, for other nodes, or changed on the way';
    case 'no key':
      return 'the Secret has no key for this SPI';
    case 'cut':
      return 'not captured whole, so that no key can be tried';
  }
}
