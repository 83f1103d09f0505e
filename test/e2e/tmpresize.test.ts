import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { A, KubectlLab, ncPod } from './support/kubectl-lab.ts';
import { KUBECTLS } from './support/kubectl.ts';
const lab = new KubectlLab();
beforeAll(() => lab.deploy());
afterAll(() => lab.end());
it('resizes', async () => {
  const kubectl = lab.kubectl(KUBECTLS.at(-1) ?? '');
  const { name } = await ncPod(kubectl, A);
  let lost = 0;
  for (let round = 0; round < 60; round++) {
    const terminal = kubectl.terminal(`exec -it -n nc ${name} -- sh -c while:;do`.replace('while:;do', '{while,:}').replace('sh -c {while,:}', 'sh'));
    terminal.type('while :; do stty size; usleep 20000; done\r');
    try {
      await terminal.prints(/^30 100\r$/m);
    } catch { console.log('round', round, 'initial lost', JSON.stringify(terminal.stdout.slice(-100))); await terminal.stop(); continue; }
    terminal.resize(132, 43);
    const end = Date.now() + 3000;
    while (!/^43 132\r$/m.test(terminal.stdout) && Date.now() < end) await delay(10);
    if (!/^43 132\r$/m.test(terminal.stdout)) { lost++; console.log('round', round, 'lost', JSON.stringify(terminal.stdout.slice(-60))); terminal.resize(90,20); await delay(1000);  console.log('then', JSON.stringify(terminal.stdout.slice(-60)));}
    await terminal.stop();
  }
  expect(lost).toBe(0);
}, 200000);
