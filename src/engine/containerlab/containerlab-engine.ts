import { imagesOfLab } from '../../lab/images.ts';
import type { DeployOptions, Engine } from '../engine.ts';
import { deployPlan } from './deploy.ts';
import { destroyDeployment } from './destroy.ts';
import { containersOf } from './docker.ts';
import { planOf } from './plan.ts';
import { expectedContainers, readRecord } from './record.ts';
import { nodeShell } from './shell.ts';

/** A kind cluster in Docker, made by containerlab from the lab's own topology. */
export const containerlabEngine: Engine = {
  name: 'containerlab',
  ownsCluster: true,
  resumes: true,

  async deploy(options: DeployOptions): Promise<void> {
    const { name, images } = options;
    const lab = await options.lab();
    const plan = await planOf(lab, name);
    await deployPlan(plan, images ?? (async () => imagesOfLab(lab)), options);
  },

  async stands(folder: string): Promise<boolean> {
    const record = readRecord(folder);
    if (!record) return false;
    const running = (await containersOf(record)).filter(({ state }) => state === 'running');
    return expectedContainers(record).every((name) => running.some((container) => container.name === name));
  },

  destroy: destroyDeployment,

  access: (folder, kubeconfig) => ({ kubeconfig, shell: nodeShell(folder) }),
};
