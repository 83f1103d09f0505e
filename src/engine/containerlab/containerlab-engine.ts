import { imagesOfLab } from '../../lab/images.ts';
import { readLab } from '../../lab/lab.ts';
import { type Engine, startOf } from '../engine.ts';
import { deployPlan, surroundings } from './deploy.ts';
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

  start: (request, reporter) =>
    startOf(async (serving) => {
      const { lab, name, images } = request;
      const read = await lab();
      const plan = await planOf(read, name);
      await deployPlan(plan, images ?? (async () => imagesOfLab(read)), surroundings(request, reporter, serving));
    }),

  async isRunning(folder: string): Promise<boolean> {
    const record = readRecord(folder);
    if (!record) return false;
    const running = (await containersOf(record)).filter(({ state }) => state === 'running');
    return expectedContainers(record).every((name) => running.some((container) => container.name === name));
  },

  destroy: destroyDeployment,

  access: (folder, kubeconfig) => ({ kubeconfig, shell: nodeShell(folder) }),

  whyNot: async (image) => (await import('./doctor/fitness.ts')).whyNotContainerlab(image),

  // The flagship lab's images and networks are examined.
  doctor: async () => (await import('./doctor/containerlab.ts')).examineContainerlab(await readLab('wireguard')),

  pull: async (request, reporter, signal) => (await import('./pull.ts')).pull(request, reporter, signal),
};
