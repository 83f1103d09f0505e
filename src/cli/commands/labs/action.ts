import { labsAndDeployments } from '../../../operations/lab-list.ts';
import { table } from '../../../text/table.ts';
import { type Context, printJson } from '../../context.ts';

/** Lists the labs, and what was deployed of them. */
export async function labsCommand(context: Context, options: { output?: 'json' }): Promise<undefined> {
  const { labs, deployments } = await labsAndDeployments();
  if (options.output) {
    printJson(context, { labs, deployments });
    return undefined;
  }
  const { palette } = context;
  const rows = labs.map(({ name, title, minutes, engines }) => [name, title, String(minutes), engines.join(', ')]);
  const { columns } = context.out;
  const lines = [table(['LAB', 'TITLE', 'MINUTES', 'ENGINES'], rows, columns)];
  if (deployments.length > 0) {
    const deployed = deployments.map(({ name, lab, engine, stands, nodes, problem }) => [
      name,
      lab ?? '-',
      engine ?? '-',
      String(nodes.length || '-'),
      stands ? palette.green('running') : palette.red(problem ?? 'not running any more'),
    ]);
    lines.push('', table(['DEPLOYED', 'LAB', 'ENGINE', 'NODES', 'STATE'], deployed, columns));
  }
  context.out.write(`${lines.join('\n')}\n`);
  return undefined;
}
