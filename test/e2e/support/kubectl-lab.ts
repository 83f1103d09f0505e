import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { embeddedEngine } from '../../../src/engine/embedded/embedded-engine.ts';
import { finish } from '../../../src/process/node-shell.ts';
import { Kubectl } from './kubectl.ts';
import { until } from './until.ts';
import { Home } from './wglab.ts';

export const MANIFESTS = fileURLToPath(new URL('../../../manifests', import.meta.url));

export const CONTROL = 'wireguard-control-plane';
export const A = 'wireguard-worker';
export const B = 'wireguard-worker2';
export const NODES = [CONTROL, A, B];

/** The command of a pod that waits, and that ends at once on SIGTERM, which a first process must handle itself. */
export const WAITS = `[sh, -c, "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"]`;

/** A manifest of a pod with one busybox container. */
export function podManifest(name: string, command: string, restartPolicy = 'Always'): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  restartPolicy: ${restartPolicy}
  containers:
  - {name: ${name}, image: "busybox:1.36", command: ${command}}
`;
}

/** A standing embedded lab, and every kubectl that talks to it. Before `deploy` there are only the names of its folders. */
export class KubectlLab {
  /** The folder where kubectl keeps its caches, and tests their files. */
  readonly folder = join(tmpdir(), `wglab-kubectl-${randomBytes(6).toString('hex')}`);
  readonly home = new Home({ folder: join(this.folder, 'home') });
  readonly kubeconfig = join(this.home.folder, 'wireguard', 'kubeconfig');
  readonly #kubectls: Kubectl[] = [];
  #access: ReturnType<typeof embeddedEngine.access> | undefined;

  async deploy(): Promise<void> {
    mkdirSync(this.folder);
    await this.home.expects(0, ['deploy', '--engine', 'embedded']);
  }

  /** Destroys it, which must leave nothing. */
  async end(): Promise<void> {
    try {
      await Promise.all(this.#kubectls.map((kubectl) => kubectl.stopAll()));
      await this.home.destroy();
    } finally {
      await this.home.dispose();
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  kubectl(binary: string): Kubectl {
    const kubectl = new Kubectl(binary, this.kubeconfig, this.folder);
    this.#kubectls.push(kubectl);
    return kubectl;
  }

  /** Returns what each of these shell commands prints on a node, through `wglab exec`. */
  async onNode<const Commands extends readonly string[]>(node: string, ...commands: Commands) {
    const script = commands.join('; echo =====; ');
    const { stdout } = await this.home.expects(0, ['exec', node, '--', 'sh', '-c', script]);
    return stdout.split('=====\n') as { [I in keyof Commands]: string };
  }

  /** Waits until what a shell command prints matches, on all of these nodes. */
  async showsOn(nodes: readonly string[], command: string, pattern: RegExp): Promise<void> {
    const wait = async (node: string) => {
      let seen = '';
      const what = () => `${pattern} in what ${command} prints on ${node}: ${seen}`;
      const shows = async () => {
        seen = await this.#shell(node, command);
        if (pattern.test(seen)) return true;
        await delay(20); // the node has work to do
        return false;
      };
      await until(what, shows, 15_000);
    };
    await Promise.all(nodes.map(wait));
  }

  /** The nodes' ends of the pods' veth pairs. */
  async podInterfaces(): Promise<string[]> {
    const links = await Promise.all(NODES.map((node) => this.#shell(node, 'ip -o link')));
    return links.flatMap((text) => text.match(/cali[0-9a-f]{11}/g) ?? []).sort();
  }

  /** Without starting a program for each question. */
  async #shell(node: string, command: string): Promise<string> {
    this.#access ??= embeddedEngine.access(this.home.folder, this.kubeconfig);
    const { stdout } = await finish(await this.#access.shell(node, ['sh', '-c', command]));
    return stdout;
  }
}

/** The pod of the nc DaemonSet on a node. */
export async function ncPod({ told }: Kubectl, node: string): Promise<{ name: string; address: string }> {
  const path = '{.items[0].metadata.name}/{.items[0].status.podIP}';
  const found = await told(`get pods -n nc -l app=nc --field-selector spec.nodeName=${node} -o jsonpath=${path}`);
  const [name = '', address = ''] = found.split('/');
  return { name, address };
}

/** Waits until somebody listens on a port in a pod of the namespace nc. */
export async function listens({ told }: Kubectl, pod: string, port: number): Promise<void> {
  await until(`${pod} to listen on ${port}`, async () => {
    return (await told(`exec -n nc ${pod} -- netstat -ltn`)).includes(`:${port} `);
  });
}

/** The arguments that change fields of FelixConfiguration `default`, as the workshops have them. */
export function felixPatch(spec: object): string[] {
  return [...'patch felixconfiguration default --type=merge -p'.split(' '), JSON.stringify({ spec })];
}

/** Makes this the whole spec of FelixConfiguration `default`. */
export async function setFelix({ told }: Kubectl, spec: object): Promise<void> {
  const patch = JSON.stringify([{ op: 'replace', path: '/spec', value: spec }]);
  await told(['patch', 'felixconfiguration', 'default', '--type=json', '-p', patch]);
}
