import { usageFailure } from '../../../errors.ts';
import { breakLab, healLab, listFaults } from '../../../operations/break.ts';
import { FAULTS } from '../../../operations/faults/faults.ts';
import type { FaultName } from '../../../operations/faults/names.ts';
import { standingLab } from '../../../operations/labs.ts';
import { table } from '../../../text/table.ts';
import { type Context, printJson } from '../../context.ts';

interface BreakOptions {
  lab?: string;
  node?: string;
  random?: boolean;
  undo?: boolean;
  output?: 'json';
}

/** Puts a fault into a lab, removes all of them, or lists what there is. */
export async function breakCommand(context: Context, fault: FaultName | undefined, options: BreakOptions) {
  const chosen = [fault !== undefined, options.random, options.undo].filter(Boolean).length;
  if (chosen > 1) throw usageFailure('a fault, --random and --undo exclude one another');
  if (options.node !== undefined && fault === undefined) throw usageFailure('--node goes with a fault');
  if (options.undo) await heal(context, options);
  else if (chosen === 0) list(context, options);
  else await put(context, fault, options);
  return undefined;
}

function list(context: Context, { output }: BreakOptions): void {
  const faults = listFaults();
  if (output) printJson(context, { faults });
  else {
    const rows = faults.map(({ fault, symptom }) => [fault, symptom]);
    context.out.write(`${table(['FAULT', 'WHAT SOMEBODY REPORTS'], rows)}\n`);
  }
}

/** Breaks the lab. A fault that was drawn at random is not named: that is the game. */
async function put(context: Context, fault: FaultName | undefined, options: BreakOptions): Promise<void> {
  const { progress, signal, err, errPalette } = context;
  const lab = await standingLab(options.lab);
  progress.step('Breaking something');
  const request = { ...(fault ? { fault } : {}), ...(options.node ? { node: options.node } : {}) };
  const done = await breakLab(lab, request, signal).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done('Something is broken');
  const { symptom } = FAULTS[done.fault];
  const known = fault === undefined ? {} : { fault: done.fault, node: done.node };
  if (options.output) printJson(context, { lab: lab.state.name, ...known, symptom });
  else context.out.write(`Somebody reports: ${symptom}\n`);
  const commands = ['wglab diagnose', 'wglab break --undo'].map((command) => errPalette.bold(command));
  err.write(`Find it and fix it. Help: ${commands[0]}. To undo it: ${commands[1]}\n`);
}

async function heal(context: Context, options: BreakOptions): Promise<void> {
  const { progress, signal } = context;
  const lab = await standingLab(options.lab);
  progress.step('Healing');
  const healed = await healLab(lab, (text) => progress.update(text), signal).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done(healed.length > 0 ? 'All is as it was' : 'Nothing was broken');
  const faults = healed.map(({ fault, node }) => ({ fault, node, link: FAULTS[fault].link }));
  if (options.output) printJson(context, { lab: lab.state.name, healed: faults });
  else for (const { fault, node, link } of faults) context.out.write(`${fault}: ${link} on ${node}\n`);
}
