import { VERSION } from '../../../version.ts';
import { type Context, printJson } from '../../context.ts';

/** Prints the version, and in JSON what it runs on as well: what a report of a bug needs. */
export async function versionCommand(context: Context, { output }: { output?: 'json' }): Promise<undefined> {
  const { version: node, platform, arch } = process;
  if (output) printJson(context, { version: VERSION, node, platform, arch });
  else context.out.write(`${VERSION}\n`);
  return undefined;
}
