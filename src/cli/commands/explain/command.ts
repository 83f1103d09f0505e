import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { collect, jsonOption, labArgument, labOption, nodeOption, wholeNumber } from '../../options.ts';

export const explain: Define = (run) =>
  new Command('explain')
    .description('explain one packet, byte by byte: layers, names, values, and what they mean')
    .addArgument(labArgument())
    .addOption(labOption())
    .option('--pcap <file>', 'a capture file, - for standard input; twice: both next to each other', collect)
    .option(
      '--packet <which>',
      'its number, or secret, readable, data, handshake, response (default: the one that says most)',
      collect,
    )
    .option('--keys <file|name=key>', "whose WireGuard public keys to try on mac1 (default: the lab's nodes)", collect)
    .option(
      '--private-key <file>',
      "a node's WireGuard private key, to open handshakes that others began with it",
      collect,
    )
    .option(
      '--esp-secret <file>',
      "Cilium's Secret for IPsec, to open ESP with it (also with CiliumNodes; - for standard input)",
      collect,
    )
    .addOption(nodeOption('capture on one node only (default: all)'))
    .option('--wait <seconds>', 'how long to wait for a packet on the wire', wholeNumber, 10)
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(run(async () => (await import('./action.ts')).explainCommand));

const EXAMPLES = `
Without --pcap it captures one packet on the lab's wire, if possible one that carries data.

Examples:
  wglab explain                                     what is on the wire now?
  wglab capture --node wireguard-worker -w now.pcap a file to explain again and again
  wglab explain --pcap now.pcap --packet handshake  who called whom, and with which key?
  wglab explain --pcap before.pcap --pcap after.pcap`;
