import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface FakeState {
  containers: { name: string; state: string; cluster?: string; lab?: string; network?: string }[];
  networks: string[];
  images: string[];
  /** Images that can be pulled. */
  registry?: string[];
  /** Whether a container's package manager reaches its packages; it does where not given. */
  packages?: boolean;
  /** Nodes that have neither tcpdump nor wg. */
  bareNodes?: boolean;
  /** The answer of a node about its kubelet, containerd and static pods. */
  nodeSays?: string;
  /** How often a node refuses an import, as one whose containerd starts again. */
  importsFail?: number;
  /** Images that the nodes have already, by their full names. */
  nodeImages?: string[];
  /** The output of `docker info`. */
  info?: object;
  /** IPv4 and IPv6 networks, by the names of Docker's networks. */
  subnets?: Record<string, string[]>;
  /** The port of the Kubernetes API. */
  port: number;
  adminConf: string;
  destroyLeaves?: boolean;
  /** How many of the nodes are made. */
  makesOnly?: number;
  hangs?: boolean;
  /** kubeadm fails after some seconds. */
  failsAtControlPlane?: boolean;
  dockerSays?: string;
  containerlabSays?: string[];
}

const TOOLS = fileURLToPath(new URL('./fake-tools.mjs', import.meta.url));

/** Puts stand-ins for docker and containerlab first in PATH; see fake-tools.mjs for what they leave unproven. */
export async function fakeDocker(initial: Partial<FakeState>) {
  const root = await mkdtemp(join(tmpdir(), 'wglab-clab-'));
  const file = join(root, 'state.json');
  for (const name of ['docker', 'containerlab']) {
    await writeFile(join(root, name), `#!/bin/sh\nexec "${process.execPath}" "${TOOLS}" "$0" "$@"\n`);
    await chmod(join(root, name), 0o755);
  }
  const before = { PATH: process.env.PATH, FAKE_TOOLS: process.env.FAKE_TOOLS };
  process.env.PATH = `${root}${delimiter}${before.PATH}`;
  process.env.FAKE_TOOLS = file;
  const set = (state: FakeState) => writeFile(file, JSON.stringify(state));
  const now = async (): Promise<FakeState> => JSON.parse(await readFile(file, 'utf8'));
  await set({ containers: [], networks: ['bridge'], images: [], port: 1, adminConf: '', ...initial });
  return {
    root,
    now,
    change: async (change: Partial<FakeState>) => set({ ...(await now()), ...change }),
    /** The command lines so far that begin like this. */
    calls: async (beginning: string): Promise<string[]> => {
      if (!existsSync(`${file}.calls`)) return [];
      return (await readFile(`${file}.calls`, 'utf8')).split('\n').filter((line) => line.startsWith(beginning));
    },
    remove: async () => {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}
