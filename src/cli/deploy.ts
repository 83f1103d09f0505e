import type { EngineName } from '../lab/engine-name.ts';
import { deploy } from '../operations/deploy.ts';
import { type Context, printJson } from './context.ts';

interface DeployOptions {
  name?: string;
  topology?: string;
  workers?: number;
  keep?: boolean;
  engine: EngineName | 'auto';
  output?: 'json';
}

export async function deployCommand(context: Context, lab: string, options: DeployOptions): Promise<undefined> {
  const { err, errPalette, progress, signal } = context;
  const request = { ...options, lab, keep: options.keep ?? false };
  const { state, kubeconfig, changed } = await deploy(request, progress, signal).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done();
  const { name, nodes, engine, dataplane } = state;
  if (options.output)
    printJson(context, { lab: name, engine, dataplane: dataplane ?? null, nodes, kubeconfig, changed });
  const said = changed
    ? `The lab "${name}" stands: ${nodes.length} nodes.`
    : `The lab "${name}" stands already; nothing was changed.`;
  err.write(`${errPalette.green(said)}\n`);
  err.write(`  export KUBECONFIG=${kubeconfig}\n`);
  err.write(`Next: ${errPalette.bold('wglab verify --expect plaintext')}\n`);
  return undefined;
}
