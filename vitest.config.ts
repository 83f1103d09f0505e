import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { UNSETTLED } from './test/unsettled.ts';

/** Where test/kube-api/support/bundle.ts puts the API server as it is built for release. */
const BUNDLE = fileURLToPath(new URL('./node_modules/.cache/wglab-api/bundled.js', import.meta.url));

/** Tests that start processes, send packets, or drive terminals. */
const E2E = ['test/e2e/**/*.test.ts', 'test/**/*.e2e.test.ts'];

const leftOut = process.env.WGLAB_ALL_TESTS ? {} : UNSETTLED;
for (const [file, reason] of Object.entries(leftOut)) process.stderr.write(`not run: ${file}: ${reason}\n`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most tests wait for packets and processes more than they compute.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...E2E, 'test/kube-api/bundle-only.test.ts'] },
      },
      // Bounds for a machine on which two files of real labs run at once.
      {
        extends: true,
        test: { name: 'e2e', include: E2E, exclude: Object.keys(leftOut), testTimeout: 180_000, hookTimeout: 120_000 },
      },
      {
        extends: true,
        // What only a bundle can break: modules that are loaded when they are first needed.
        resolve: {
          alias: [
            {
              find: /^.*\/src\/(kube-api\/(server|store|runtime|scheme|without-effect)|cni\/calico\/scheme)\.ts$/,
              replacement: BUNDLE,
            },
          ],
        },
        test: {
          name: 'bundle',
          include: ['test/kube-api/{server,hostile-bodies,bundle-only}.test.ts'],
          globalSetup: 'test/kube-api/support/bundle.ts',
          server: { deps: { external: [/wglab-api/] } },
        },
      },
    ],
  },
});
