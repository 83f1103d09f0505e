import type { ExistingCluster } from '../engine/engine.ts';
import type { EngineName } from '../lab/engine-name.ts';
import { deploy } from '../operations/deploy.ts';
import { type Context, printJson } from './context.ts';

interface DeployOptions {
  name?: string;
  topology?: string;
  workers?: number;
  keep?: boolean;
  nodeImage?: string;
  calicoVersion?: string;
  calicoManifests?: string;
  kubeconfig?: string;
  context?: string;
  nodes?: string;
  probeImage?: string;
  proofImage?: string;
  engine: EngineName | 'auto';
  output?: 'json';
}

export async function deployCommand(context: Context, lab: string, options: DeployOptions): Promise<undefined> {
  const { err, errPalette, progress, signal } = context;
  const { kubeconfig: file, context: name, nodes: selector, probeImage, proofImage, ...rest } = options;
  const existing = withoutMissing({ kubeconfig: file, context: name, nodes: selector, probeImage, proofImage });
  const request = { ...rest, lab, keep: options.keep ?? false, ...(existing ? { existing } : {}) };
  const { state, kubeconfig, ownsCluster, changed } = await deploy(request, progress, signal).catch((error) => {
    progress.failed();
    throw error;
  });
  progress.done();
  const { nodes, engine, dataplane } = state;
  if (options.output)
    printJson(context, { lab: state.name, engine, dataplane: dataplane ?? null, nodes, kubeconfig, changed });
  const said = changed
    ? `The lab "${state.name}" stands: ${nodes.length} nodes.`
    : `The lab "${state.name}" stands already; nothing was changed.`;
  err.write(`${errPalette.green(said)}\n`);
  err.write(`  export KUBECONFIG=${kubeconfig}\n`);
  // Whether a cluster that was there before encrypts is not known; one that was just made does not.
  err.write(`Next: ${errPalette.bold(ownsCluster ? 'wglab verify --expect plaintext' : 'wglab verify')}\n`);
  return undefined;
}

/** What was said of a cluster that is there already; undefined where nothing was. */
function withoutMissing(
  existing: { [Option in keyof ExistingCluster]: string | undefined },
): ExistingCluster | undefined {
  const said = Object.entries(existing).filter(([, value]) => value !== undefined);
  return said.length > 0 ? Object.fromEntries(said) : undefined;
}
