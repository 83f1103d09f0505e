import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CALICO_SCHEME } from '../../../src/cni/calico/scheme.ts';
import { addToScheme } from '../../../src/kube-api/scheme.ts';
import { startApiServer } from '../../../src/kube-api/server.ts';
import { Store } from '../../../src/kube-api/store.ts';
import { FakeRuntime, startFakeDaemonSets, startFakeKubelet } from './fake-kubelet.ts';

const run = promisify(execFile);

/** kubectl of the PATH, and the versions that WGLAB_TEST_KUBECTLS names, separated by ':'. */
export const KUBECTLS: readonly string[] = [
  'kubectl',
  ...(process.env.WGLAB_TEST_KUBECTLS ?? '').split(':').filter(Boolean),
];

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json(): Record<string, unknown>;
}

interface FetchOptions {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  token?: string | null;
}

/** An API server with a store, a fake kubelet and a kubeconfig, on a port of its own. */
export async function startApiLab(options: { nodes?: string[]; listen?: NetServer } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-api-'));
  const tls = await certificate(folder);
  const store = new Store();
  const runtime = new FakeRuntime();
  const token = 'a-token-of-the-tests';
  const logged: string[] = [];
  const log = (message: string, error?: unknown) => {
    logged.push(`${message}: ${error instanceof Error ? error.stack : String(error)}`);
  };
  const listen = options.listen ?? { host: '127.0.0.1', port: 0 };
  addToScheme(CALICO_SCHEME);
  const server = await startApiServer({ store, runtime, tls, token, listen, log });
  const stops = [startFakeKubelet(store), startFakeDaemonSets(store)];
  seed(store, options.nodes ?? ['control-plane', 'worker', 'worker2']);
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigText(server.port, tls.cert, token), { mode: 0o600 });

  return {
    store,
    runtime,
    port: server.port,
    folder,
    kubeconfig,
    token,
    logged,
    /** Runs kubectl to its end; never rejects. */
    kubectl: (args: readonly string[], extra: { input?: string; binary?: string } = {}): Promise<Outcome> =>
      runKubectl([`--kubeconfig=${kubeconfig}`, `--cache-dir=${folder}/cache`, ...args], extra),
    /** Starts a kubectl that goes on (get -w, logs -f). */
    startKubectl: (args: readonly string[], binary = 'kubectl') =>
      spawn(binary, [`--kubeconfig=${kubeconfig}`, `--cache-dir=${folder}/cache`, ...args]),
    fetch: (path: string, fetchOptions: FetchOptions = {}) =>
      fetchJson(server.port, tls.cert, token, path, fetchOptions),
    close: async () => {
      for (const stop of stops) stop();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type ApiLab = Awaited<ReturnType<typeof startApiLab>>;

async function certificate(folder: string): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=wglab', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await run('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...names]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}

function kubeconfigText(port: number, cert: string, token: string): string {
  const authority = Buffer.from(cert).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'lab', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': authority } },
    ],
    users: [{ name: 'lab', user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  });
}

function seed(store: Store, nodes: readonly string[]): void {
  for (const name of ['default', 'kube-system']) {
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {}, status: { phase: 'Active' } });
  }
  nodes.forEach((name, i) => {
    store.create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        labels: { 'kubernetes.io/hostname': name, ...(i === 0 ? { 'node-role.kubernetes.io/control-plane': '' } : {}) },
        annotations: { 'projectcalico.org/IPv4Address': `172.18.0.${i + 2}/16` },
      },
      spec: { podCIDR: `192.168.${i}.0/24` },
      status: {
        capacity: { cpu: '2', memory: '4Gi', pods: '110' },
        allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
        addresses: [{ type: 'InternalIP', address: `172.18.0.${i + 2}` }],
        conditions: [
          { type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: '2026-01-01T00:00:00Z' },
        ],
        nodeInfo: {
          kubeletVersion: 'v1.32.0+wglab',
          osImage: 'Debian',
          kernelVersion: '6.1.0',
          containerRuntimeVersion: 'wglab://0.1.0',
          machineID: '',
          systemUUID: '',
          bootID: '',
          kubeProxyVersion: '',
          operatingSystem: 'linux',
          architecture: 'amd64',
        },
      },
    });
  });
  store.create({
    apiVersion: 'projectcalico.org/v3',
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: {},
  });
}

function runKubectl(
  args: readonly string[],
  { input, binary = 'kubectl' }: { input?: string; binary?: string },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(binary, [...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.end(input ?? '');
  });
}

function fetchJson(port: number, ca: string, token: string, path: string, options: FetchOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const given = options.token === undefined ? token : options.token;
    const { body } = options;
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const text = (raw ? body : JSON.stringify(body)) as string | Buffer | undefined;
    const call = request(
      {
        host: '127.0.0.1',
        port,
        ca,
        path,
        method: options.method ?? 'GET',
        agent: false,
        headers: {
          ...(given === null ? {} : { authorization: `Bearer ${given}` }),
          // Node leaves the length of a DELETE's body away, and the server would take the body for a request.
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8');
          const { statusCode = 0, headers } = response;
          resolve({
            status: statusCode,
            headers,
            text: answer,
            json: () => JSON.parse(answer) as Record<string, unknown>,
          });
        });
      },
    );
    call.on('error', reject);
    call.end(text);
  });
}
