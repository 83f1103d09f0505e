import { usageFailure } from '../errors.ts';
import { allLabs, destroy } from '../operations/destroy.ts';
import { type Context, printJson } from './context.ts';

export async function destroyCommand(
  context: Context,
  lab: string | undefined,
  options: { all?: boolean; output?: 'json' },
) {
  const { err, progress } = context;
  const names = await chosen(lab, options.all ?? false);
  const destroyed: string[] = [];
  for (const name of names) {
    progress.step(`Taking the lab "${name}" away`);
    const wasThere = await destroy(name);
    if (wasThere) destroyed.push(name);
    progress.done(
      wasThere
        ? `The lab "${name}" is gone: no process, namespace, interface or file of it is left`
        : `There was nothing of a lab "${name}"`,
    );
  }
  if (options.output) printJson(context, { destroyed });
  else if (names.length === 0) err.write('There is no lab.\n');
  return undefined;
}

async function chosen(lab: string | undefined, all: boolean): Promise<string[]> {
  if (lab !== undefined && all) throw usageFailure('give the name of a lab or --all, not both');
  if (lab !== undefined) return [lab];
  const labs = await allLabs();
  if (labs.length > 1 && !all) {
    throw usageFailure('there is more than one lab', {
      remedy: `wglab destroy NAME, or wglab destroy --all (${labs.join(', ')})`,
    });
  }
  return labs;
}
