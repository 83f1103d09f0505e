import { testLab } from '../support/walk-lab.ts';

await testLab('cilium-wireguard');
