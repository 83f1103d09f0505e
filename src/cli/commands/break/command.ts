import { Argument, Command } from 'commander';
import { FAULT_NAMES } from '../../../operations/faults/names.ts';
import type { Define } from '../../command.ts';
import { jsonOption, labOption, nodeOption } from '../../options.ts';

export const breakLab: Define = (run) =>
  new Command('break')
    .description('break a lab on purpose, so you can practise finding the fault')
    .addArgument(new Argument('[fault]', 'the fault; without one, the faults are listed').choices(FAULT_NAMES))
    .addOption(labOption())
    .addOption(nodeOption("the node to break (default: the lab's last one)"))
    .option('--random', 'any fault on any node, without saying which')
    .option('--undo', 'remove all faults')
    .addOption(jsonOption())
    .action(run(async () => (await import('./action.ts')).breakCommand));
