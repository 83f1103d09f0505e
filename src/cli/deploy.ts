import type { ExistingCluster } from '../engine/engine.ts';
import { deploy } from '../operations/deploy.ts';
import { Stopwatch, type Timings } from '../operations/timings.ts';
import type { EngineName } from '../state/engine-name.ts';
import { table } from '../text/table.ts';
import { type Context, printJson } from './context.ts';

interface DeployOptions {
  name?: string;
  topology?: string;
  workers?: number;
  keep?: boolean;
  timings?: boolean;
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
  const { kubeconfig: file, context: name, nodes: selector, probeImage, proofImage, timings, ...rest } = options;
  const existing = withoutMissing({ kubeconfig: file, context: name, nodes: selector, probeImage, proofImage });
  const request = { ...rest, lab, keep: options.keep ?? false, ...(existing ? { existing } : {}) };
  const watch = new Stopwatch(0); // from when this process began
  const { state, kubeconfig, ownsCluster, changed } = await deploy(request, progress, signal, watch).catch((error) => {
    progress.failed();
    if (timings) err.write(timingsText(watch.read()));
    throw error;
  });
  progress.done();
  const times = watch.read();
  if (timings) err.write(timingsText(times));
  const { nodes, engine, dataplane } = state;
  if (options.output)
    printJson(context, {
      ...{ lab: state.name, engine, dataplane: dataplane ?? null, nodes, kubeconfig, changed },
      ...(timings ? times : {}),
    });
  const said = changed
    ? `The lab "${state.name}" stands: ${nodes.length} nodes.`
    : `The lab "${state.name}" stands already; nothing was changed.`;
  err.write(`${errPalette.green(said)}\n`);
  err.write(`  export KUBECONFIG=${kubeconfig}\n`);
  // Whether a cluster that was there before encrypts is not known; one that was just made does not.
  err.write(`Next: ${errPalette.bold(ownsCluster ? 'wglab verify --expect plaintext' : 'wglab verify')}\n`);
  return undefined;
}

/** Where the time went: what others did beside each other counts for each of them. */
function timingsText({ timings, ownSeconds, totalSeconds }: Timings): string {
  const rows = [...timings, { step: 'all of wglab itself', seconds: ownSeconds, of: '' }];
  const lines = [...rows, { step: 'all', seconds: totalSeconds, of: '' }];
  const cells = lines.map(({ step, seconds, of }) => [step, seconds.toFixed(3).padStart(8), of]);
  return `${table(['STEP', ' SECONDS', 'OF'], cells)}\n`;
}

/** What was said of a cluster that is there already; undefined where nothing was. */
function withoutMissing(
  existing: { [Option in keyof ExistingCluster]: string | undefined },
): ExistingCluster | undefined {
  const said = Object.entries(existing).filter(([, value]) => value !== undefined);
  return said.length > 0 ? Object.fromEntries(said) : undefined;
}
