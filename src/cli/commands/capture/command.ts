import { Command } from 'commander';
import type { Define } from '../../command.ts';
import { jsonOption, labArgument, labOption, nodeOption, wholeNumber } from '../../options.ts';

export const capture: Define = (run) =>
  new Command('capture')
    .description('watch the wire: one line a packet, secrets highlighted; or write a file for Wireshark')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(nodeOption('one node only (default: all)'))
    .option('-g, --grep <regexp>', 'only packets with text that matches, which is highlighted')
    .option('-c, --count <packets>', 'stop after that many', wholeNumber)
    .option('-s, --seconds <seconds>', 'stop after that time', wholeNumber)
    .option('-w, --write <file>', 'write a pcap file instead (needs --node; - is standard output)')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(run(async () => (await import('./action.ts')).captureCommand));

const EXAMPLES = `
Examples:
  wglab capture --grep password
  wglab capture --node wireguard-worker -w - | wireshark -k -i -`;
