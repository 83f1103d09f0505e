// Bundles wglab into dist/: few files start fast, and who installs wglab installs nothing else.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

// With a second argument, only that file is bundled, in the same way: so that tests can run against a bundle.
const [outdir = 'dist', only] = process.argv.slice(2);
rmSync(outdir, { recursive: true, force: true });

/**
 * We use KubeConfig of client-node alone, in src/kube/connection.ts. Without this its models (half a megabyte) would be read at
 * every start, and what only a few kubeconfigs need (proxies, cloud providers) would be set up at every start.
 */
const SELDOM = {
  'node-fetch': ['Headers'],
  'socks-proxy-agent': ['SocksProxyAgent'],
  hpagent: ['HttpProxyAgent', 'HttpsProxyAgent'],
  'jsonpath-plus': ['JSONPath'],
};
const onlyKubeConfig = {
  name: 'only-kubeconfig',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /./, namespace: 'file' }, async ({ path, pluginData, ...args }) => {
      if (pluginData === onlyKubeConfig) return undefined;
      const inside = args.importer.includes('/node_modules/@kubernetes/client-node/');
      if (inside && path in SELDOM) return { path, namespace: 'seldom', pluginData: args.resolveDir };
      if (path !== '@kubernetes/client-node' && !(inside && path.startsWith('.'))) return undefined;
      const { path: file, errors } = await resolve(path, { ...args, pluginData: onlyKubeConfig });
      return { path: file, errors, sideEffects: false };
    });
    // Set up when first asked for. Node has Headers itself; the rest of node-fetch is for client-node's own requests.
    onLoad({ filter: /./, namespace: 'seldom' }, ({ path, pluginData: resolveDir }) => {
      const from = path === 'node-fetch' ? 'globalThis' : `require(${JSON.stringify(path)})`;
      const getters = SELDOM[path].map((name) => `get ${name}() { return ${from}.${name}; }`);
      return { contents: `module.exports = { ${getters.join(', ')} };`, resolveDir };
    });
  },
};

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  outdir,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none', // they are in THIRD-PARTY.txt, whole
  metafile: true,
  logLevel: 'warning',
  plugins: [onlyKubeConfig],
  define: { __WGLAB_VERSION__: JSON.stringify(JSON.parse(readFileSync('package.json', 'utf8')).version) },
  banner: {
    // Some dependencies are CommonJS and ask for require at run time.
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
};

if (only !== undefined) {
  await build({ ...common, entryPoints: { bundled: only }, splitting: true, chunkNames: 'chunk-[hash]' });
  process.exit();
}

const results = await Promise.all([
  build({ ...common, entryPoints: { wglab: 'src/cli/main.ts' }, splitting: true, chunkNames: 'wglab-[hash]' }),
  build({
    ...common,
    entryPoints: { 'embedded-engine': 'src/engine/embedded/daemon.ts' },
    splitting: true,
    chunkNames: 'engine-[hash]',
  }),
]);

// Every bundled package with its licence, as the licences ask.
const packages = new Set();
for (const { metafile } of results) {
  for (const input of Object.keys(metafile.inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
    if (name) packages.add(name);
  }
}
const texts = [...packages].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'));
  return `${name} ${version} (${license})\n\n${licenceText(name)}`;
});
writeFileSync(`${outdir}/THIRD-PARTY.txt`, texts.join(`\n${'-'.repeat(80)}\n\n`));

function licenceText(name) {
  for (const file of [
    'LICENSE',
    'LICENSE.md',
    'LICENSE.txt',
    'license',
    'LICENCE',
    'License',
    'LICENSE-MIT',
    'license.md',
  ]) {
    try {
      return readFileSync(`node_modules/${name}/${file}`, 'utf8');
    } catch {
      // the next spelling
    }
  }
  return 'The package has no licence file; its package.json names the licence above.\n';
}
