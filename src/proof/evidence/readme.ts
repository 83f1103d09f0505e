import type { VerifyResult } from '../result.ts';

/** Returns the README of an evidence folder: it says how to check everything again, with common tools and with wglab. */
export function readmeText(result: VerifyResult, signed: boolean): string {
  const { lab, startedAt, expect, verdict } = result;
  const claim = expect === null ? 'no claim' : `the claim "${expect}"`;
  const signature = signed
    ? '    ssh-keygen -Y verify -f SIGNERS -I WHO -n wglab -s SHA256SUMS.sig < SHA256SUMS'
    : '    (nobody signed this run; verify --sign KEYFILE does)';
  return [
    `Evidence of "wglab verify": lab ${lab}, ${startedAt}, ${claim}: ${verdict ?? 'observed'}.`,
    '1. No file has changed since the run ended:',
    '    sha256sum -c SHA256SUMS',
    '2. It is the run that you mean: this prints the digest that wglab printed with the verdict.',
    '    sha256sum record.json',
    '3. It comes from the person who says so:',
    signature,
    '4. The captures and the record give this verdict, with no lab and no network:',
    '    wglab verify --from .',
    '5. See the packets yourself: tshark -r taps/NODE.pcap (record.json says which node, interface and time).',
    '',
  ].join('\n');
}
