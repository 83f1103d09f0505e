import type { ExistingCluster } from '../../../engine/engine.ts';
import type { CniName } from '../../../lab/cni-name.ts';
import { deploy } from '../../../operations/deploy.ts';
import { Stopwatch, type Timings } from '../../../operations/timings.ts';
import type { EngineName } from '../../../state/engine-name.ts';
import { table } from '../../../text/table.ts';
import { type Context, printJson } from '../../context.ts';
import { chosenLab, FLAGSHIP } from '../../options.ts';
import type { Sources } from '../../sources.ts';

interface DeployOptions extends Sources {
  name?: string;
  topology?: string;
  workers?: number;
  keep?: boolean;
  timings?: boolean;
  ciliumManifest?: string;
  cni?: CniName;
  kubeconfig?: string;
  context?: string;
  nodes?: string;
  probeImage?: string;
  proofImage?: string;
  engine: EngineName | 'auto';
  lab?: string;
  output?: 'json';
}

/** Runs a lab, and prints how to reach it. */
export async function deployCommand(
  context: Context,
  argument: string | undefined,
  options: DeployOptions,
): Promise<undefined> {
  const { err, errPalette, progress, signal } = context;
  const { kubeconfig: file, context: name, nodes: selector, probeImage, proofImage, timings, ...rest } = options;
  const existing = withoutMissing({ kubeconfig: file, context: name, nodes: selector, probeImage, proofImage });
  const lab = chosenLab(argument, options.lab) ?? FLAGSHIP;
  const request = { ...rest, lab, keep: options.keep ?? false, ...(existing ? { existing } : {}) };
  const watch = new Stopwatch(0); // from when this process began
  const { state, kubeconfig, ownsCluster, changed } = await deploy(request, progress, signal, watch).catch((error) => {
    progress.failed();
    if (timings) err.write(timingsText(watch.read(), err.columns));
    throw error;
  });
  progress.done();
  const times = watch.read();
  if (timings) err.write(timingsText(times, err.columns));
  const { nodes, engine, dataplane } = state;
  if (options.output)
    printJson(context, {
      ...{ lab: state.name, engine, dataplane: dataplane ?? null, nodes, kubeconfig, changed },
      ...(timings ? times : {}),
    });
  const news = changed
    ? `Lab "${state.name}" is running (${nodes.length} nodes).`
    : `Lab "${state.name}" is running already; nothing was changed.`;
  err.write(`${errPalette.green(news)}\n`);
  err.write(`  export KUBECONFIG=${kubeconfig}\n`);
  err.write(`Next: ${errPalette.bold(nextCommand(ownsCluster, changed))}\n`);
  return undefined;
}

/** Suggests a claim only for a cluster that was just made: it does not encrypt. */
function nextCommand(ownsCluster: boolean, isNew: boolean): string {
  if (!isNew) return 'wglab status';
  return ownsCluster ? 'wglab verify --expect plaintext' : 'wglab verify';
}

/** Returns a table of where the time went; what ran in parallel counts for each. */
function timingsText({ timings, ownSeconds, totalSeconds }: Timings, width: number | undefined): string {
  const rows = [...timings, { step: 'all of wglab itself', seconds: ownSeconds, of: '' }];
  const lines = [...rows, { step: 'all', seconds: totalSeconds, of: '' }];
  const cells = lines.map(({ step, seconds, of }) => [step, seconds.toFixed(3).padStart(8), of]);
  return `${table(['STEP', ' SECONDS', 'OF'], cells, width)}\n`;
}

/** Returns what was given about a cluster that exists already, or undefined if nothing was. */
function withoutMissing(
  existing: { [Option in keyof ExistingCluster]: string | undefined },
): ExistingCluster | undefined {
  const given = Object.entries(existing).filter(([, value]) => value !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}
