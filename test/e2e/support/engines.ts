import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { imagesOfLab } from '../../../src/lab/images.ts';
import { readLab } from '../../../src/lab/lab.ts';
import { whyNoFaults } from './requirements.ts';
import { Home } from './wglab.ts';

/** An engine, as a test of what all of them do makes a lab with it. */
export interface EngineUnderTest {
  name: 'embedded' | 'kubernetes' | 'containerlab';
  /** Why it cannot run on this machine; undefined where it can. */
  lacks: string | undefined;
  /** Makes what it needs; returns the arguments of `deploy`, and a function that removes what it made. */
  prepare(): Promise<{ args: string[]; end(): Promise<void> }>;
}

const nothing = async () => undefined;

/** All engines. The one for clusters that are there already gets an embedded lab as its cluster, through the Kubernetes API alone. */
export async function enginesUnderTest(): Promise<EngineUnderTest[]> {
  const embedded = whyNoFaults();
  return [
    { name: 'embedded', lacks: embedded, prepare: async () => ({ args: ['--engine', 'embedded'], end: nothing }) },
    { name: 'kubernetes', lacks: embedded, prepare: clusterThatIsThere },
    {
      name: 'containerlab',
      lacks: await whyNoContainerlab(),
      prepare: async () => ({ args: ['--engine', 'containerlab'], end: nothing }),
    },
  ];
}

async function clusterThatIsThere() {
  const cluster = new Home();
  await cluster.expects(0, ['deploy', '--engine', 'embedded']);
  const kubeconfig = join(cluster.folder, 'wireguard', 'kubeconfig');
  const args = ['--engine', 'kubernetes', '--kubeconfig', kubeconfig, '--probe-image', 'wglab/host-tools'];
  return { args, end: () => cluster.dispose() };
}

async function whyNoContainerlab(): Promise<string | undefined> {
  if (spawnSync('docker', ['version'], { timeout: 15_000 }).status !== 0) return 'no Docker engine answers';
  if (spawnSync('containerlab', ['version'], { timeout: 15_000 }).status !== 0) return 'containerlab is not installed';
  const lab = await readLab('wireguard');
  const wanted = [...(lab.topology.image === undefined ? [] : [lab.topology.image]), ...imagesOfLab(lab)];
  const missing = wanted.filter((image) => spawnSync('docker', ['image', 'inspect', image]).status !== 0);
  return missing.length > 0 ? `these images are not here (wglab pull): ${missing.join(', ')}` : undefined;
}
