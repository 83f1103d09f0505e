import { expect, it } from 'vitest';
import { holderEnvironment } from '../../../src/engine/embedded/holder-environment.ts';

it('a lab knows where programs are, and none of the secrets of whoever deploys it', () => {
  const kept = { PATH: '/bin', HOME: '/home/a', LANG: 'C.UTF-8', LC_ALL: 'C', TZ: 'UTC', TERM: 'xterm' };
  const secret = {
    ...{ AWS_SECRET_ACCESS_KEY: 'a', GITHUB_TOKEN: 'b', KUBECONFIG: 'c', SSH_AUTH_SOCK: 'd', NODE_OPTIONS: 'e' },
    ...{ LD_PRELOAD: 'f', BASH_ENV: 'g', LC_SECRET_1: 'h', HTTPS_PROXY: 'i', 'BASH_FUNC_x%%': 'j' },
  };
  expect(holderEnvironment({ ...secret, ...kept })).toEqual(kept);
});
