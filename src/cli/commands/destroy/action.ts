import { usageFailure } from '../../../errors.ts';
import { allLabs, type Destroyed, destroy } from '../../../operations/destroy.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab } from '../../options.ts';

interface DestroyOptions {
  lab?: string;
  all?: boolean;
  purge?: boolean;
  output?: 'json';
}

/** Destroys one lab or all of them. */
export async function destroyCommand(
  context: Context,
  argument: string | undefined,
  options: DestroyOptions,
): Promise<undefined> {
  const { err, progress } = context;
  const { all = false, purge = false } = options;
  const names = await chosen(chosenLab(argument, options.lab), all, purge);
  const destroyed: string[] = [];
  for (const name of names) {
    progress.step(`Destroying lab "${name}"`);
    const done = await destroy(name, { purge });
    if (done.existed) destroyed.push(name);
    progress.done(
      done.existed
        ? `Lab "${name}" is destroyed: no process, namespace, interface or file of it is left`
        : `There was no lab "${name}"`,
    );
    const note = evidenceNote(name, done, purge);
    if (note !== undefined) progress.info(note);
  }
  if (options.output) printJson(context, { destroyed });
  else if (names.length === 0) err.write('No lab is running.\n');
  return undefined;
}

function evidenceNote(name: string, { evidence: { folder, runs } }: Destroyed, purge: boolean): string | undefined {
  if (runs === 0) return undefined;
  const what = `The evidence of ${runs === 1 ? 'one run' : `${runs} runs`}`;
  return purge ? `${what} is removed too` : `${what} stays in ${folder} (wglab destroy ${name} --purge removes it)`;
}

async function chosen(lab: string | undefined, all: boolean, purge: boolean): Promise<string[]> {
  if (lab !== undefined && all) throw usageFailure('name a lab or use --all, not both');
  if (lab !== undefined) return [lab];
  const labs = await allLabs({ purge: purge && all });
  if (labs.length > 1 && !all) {
    throw usageFailure('more than one lab is running', {
      remedy: `wglab destroy NAME, or wglab destroy --all (${labs.join(', ')})`,
    });
  }
  return labs;
}
