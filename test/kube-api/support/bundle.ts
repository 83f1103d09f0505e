import { execFileSync } from 'node:child_process';

/** Bundles the API server as scripts/build.mjs bundles the engine. */
export function setup(): void {
  const entry = 'test/kube-api/support/bundled.ts';
  execFileSync(process.execPath, ['scripts/build.mjs', 'node_modules/.cache/wglab-api', entry]);
}
