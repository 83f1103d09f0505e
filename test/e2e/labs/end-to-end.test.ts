import { testLab } from '../support/walk-lab.ts';

await testLab('end-to-end');
