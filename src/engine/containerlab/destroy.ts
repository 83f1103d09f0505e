import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { labFailure, messageOf } from '../../errors.ts';
import { runTool } from '../../process/tool.ts';
import { containersOf, docker, requireDocker } from './docker.ts';
import { hasHostsBlock, removeHostsBlock } from './hosts-block.ts';
import { type DeploymentFiles, type DeploymentRecord, deploymentFiles, readRecord } from './record.ts';
import { asRoot, type Containerlab, findContainerlab, runContainerlab } from './tool.ts';

const DESTROY_MS = 120_000;
/** How long Docker may take to remove things. */
const GONE_MS = 30_000;

/**
 * Removes all of a deployment, with containerlab if it is installed, then whatever it left, and checks that everything is gone:
 * `containerlab destroy` may succeed and leave a whole cluster. Throws failure 5 that names what is left.
 */
export async function destroyDeployment(folder: string): Promise<void> {
  const record = readRecord(folder);
  if (!record) return;
  const files = deploymentFiles(folder, record.lab);
  await requireDocker();
  const tool = await findContainerlab().catch(() => undefined); // Docker alone can remove it too
  const before = await containersOf(record);
  if (tool && existsSync(files.topology) && (before.length > 0 || existsSync(files.labFolder))) {
    // The rest is done below, and what cannot be done is reported.
    await runContainerlab(tool, {
      args: ['destroy', '--topo', files.topology, '--cleanup'],
      cwd: files.folder,
      limitMs: DESTROY_MS,
      doing: 'taking the nodes away',
      logFile: `${files.folder}/destroy.log`,
    }).catch(() => undefined);
  }
  await removeContainers(record);
  await removeNetworks(record, tool);
  await removeFolder(files, tool);
  // containerlab writes it before it makes the nodes, and removes it only with a lab that it can read.
  await removeHostsBlock(record.lab, rootBy(tool)).catch(() => undefined); // what is left is named below
  const left = await leftovers(record, files);
  if (left.length > 0) {
    throw labFailure(`this is left of the lab: ${left.join(', ')}`, { remedy: 'wglab destroy, once more' });
  }
  await rm(files.folder, { recursive: true, force: true });
}

async function removeContainers(record: DeploymentRecord): Promise<void> {
  const until = performance.now() + GONE_MS;
  for (;;) {
    const left = (await containersOf(record)).map(({ name }) => name);
    if (left.length === 0) return;
    // --volumes: each node keeps its /var in one without a name. An error is seen by what is still there.
    await docker(['rm', '--force', '--volumes', ...left], { timeoutMs: GONE_MS }).catch(() => '');
    if (performance.now() > until) return;
    if ((await containersOf(record)).length > 0) await sleep(200);
  }
}

/**
 * Removes the networks of kind and containerlab that did not exist before this lab and have nothing on them: other labs use
 * the same. containerlab keeps its own if a lab had nothing but a kind cluster, or never got that far [seen with 0.79].
 */
async function removeNetworks({ networksBefore }: DeploymentRecord, tool: Containerlab | undefined): Promise<void> {
  for (const name of networksOfTools()) {
    if (networksBefore.includes(name) || !(await isUnused(name))) continue;
    const bridge = await bridgeOf(name);
    const removed = await docker(['network', 'rm', name], { timeoutMs: GONE_MS }).catch(() => undefined); // another lab took it meanwhile
    if (removed !== undefined && bridge !== undefined) await removeRules(bridge, tool);
  }
}

async function bridgeOf(network: string): Promise<string | undefined> {
  const format = '{{.Id}} {{with index .Options "com.docker.network.bridge.name"}}{{.}}{{end}}';
  const said = await docker(['network', 'inspect', '--format', format, network], { timeoutMs: GONE_MS }).catch(
    () => '',
  );
  const [id = '', named = ''] = said.trim().split(' ');
  return named || (/^[0-9a-f]{12}/.test(id) ? `br-${id.slice(0, 12)}` : undefined);
}

/** containerlab lets everything through its own network, and removes these rules only with the network [seen with 0.79]. */
async function removeRules(bridge: string, tool: Containerlab | undefined): Promise<void> {
  const by = rootBy(tool);
  for (const program of ['iptables', 'ip6tables']) {
    for (const direction of ['-i', '-o']) {
      const rule = [direction, bridge, '-m', 'comment', '--comment', 'set by containerlab', '-j', 'ACCEPT'];
      // No such rule is what kind's network has, and every network where Docker filters with nftables.
      await runTool([...by, program, '-w', '-D', 'DOCKER-USER', ...rule]).catch(() => '');
    }
  }
}

/** The words that run a command as root. */
function rootBy(tool: Containerlab | undefined): string[] {
  return tool?.by === 'root' || process.getuid?.() === 0 ? [] : asRoot('sudo');
}

function networksOfTools(): string[] {
  return [process.env.KIND_EXPERIMENTAL_DOCKER_NETWORK || 'kind', 'clab'];
}

/** Returns false also if there is no such network. */
async function isUnused(network: string): Promise<boolean> {
  const inspect = ['network', 'inspect', '--format', '{{len .Containers}}', network];
  return (await docker(inspect, { timeoutMs: GONE_MS }).catch(() => '')).trim() === '0';
}

/** containerlab makes its folder as root. */
async function removeFolder({ labFolder }: DeploymentFiles, tool: Containerlab | undefined): Promise<void> {
  try {
    await rm(labFolder, { recursive: true, force: true });
  } catch (error) {
    const by = rootBy(tool);
    await runTool([...by, 'rm', '-rf', '--', labFolder]).catch(() => {
      throw labFailure(`cannot remove ${labFolder}: ${messageOf(error)}`, { remedy: `sudo rm -rf ${labFolder}` });
    });
  }
}

async function leftovers(record: DeploymentRecord, { labFolder }: DeploymentFiles): Promise<string[]> {
  const { lab, networksBefore } = record;
  const containers = (await containersOf(record)).map(({ name }) => `the container ${name}`);
  const made = networksOfTools().filter((name) => !networksBefore.includes(name));
  const unused = await Promise.all(made.map(async (name) => ((await isUnused(name)) ? [`the network ${name}`] : [])));
  return [
    ...containers,
    ...unused.flat(),
    ...(existsSync(labFolder) ? [labFolder] : []),
    ...((await hasHostsBlock(lab)) ? ["containerlab's block of this lab in /etc/hosts"] : []),
  ];
}
