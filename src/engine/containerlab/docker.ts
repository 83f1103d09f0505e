import { Failure, lackingFailure, messageOf } from '../../errors.ts';
import { runTool } from '../../process/tool.ts';
import type { DeploymentRecord } from './record.ts';

/** A container that belongs to a lab. */
export interface Container {
  name: string;
  /** Docker's word: running, created, exited, … */
  state: string;
}

const KIND_LABEL = 'io.x-k8s.kind.cluster';
const FORMAT = `{{.Names}}\t{{.State}}\t{{.Label "${KIND_LABEL}"}}\t{{.Label "containerlab"}}`;
const LIST = ['ps', '--all', '--no-trunc', '--format', FORMAT];

/** Far more than a working Docker takes to answer: 20 ms. */
export const ANSWER_MS = 15_000;

/** Runs the docker program to its end and returns what it printed. Throws ToolError. */
export function docker(argv: readonly string[], options: { timeoutMs?: number; input?: string } = {}): Promise<string> {
  const { timeoutMs, input = '' } = options;
  const limit = timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' as const };
  return runTool(['docker', ...argv], input, limit);
}

/** Throws a lacking failure with Docker's own words if it does not answer. */
export async function requireDocker(): Promise<void> {
  try {
    await docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: ANSWER_MS });
  } catch (error) {
    throw dockerFailure(messageOf(error));
  }
}

/** Why Docker does not answer, with what to do. */
export function dockerFailure(said: string): Failure {
  const detail = said.split('\n').slice(1).join('\n') || said;
  if (/ENOENT/.test(said)) {
    return lackingFailure('the program docker is missing', { remedy: 'apt-get install docker.io, as root' });
  }
  if (/permission denied/i.test(said)) {
    return lackingFailure('you may not use Docker', {
      detail,
      remedy: 'sudo usermod -aG docker "$USER", then log in again',
    });
  }
  return lackingFailure('Docker does not answer', { detail, remedy: 'sudo systemctl start docker' });
}

/** Returns all containers of a lab in any state, those of its kind cluster and those of containerlab. */
export async function containersOf(record: Pick<DeploymentRecord, 'lab' | 'cluster'>): Promise<Container[]> {
  return containersIn(await docker(LIST, { timeoutMs: ANSWER_MS }), record);
}

function containersIn(listed: string, { lab, cluster }: Pick<DeploymentRecord, 'lab' | 'cluster'>): Container[] {
  return listed.split('\n').flatMap((line) => {
    const [name = '', state = '', kindCluster, clabLab] = line.split('\t');
    const ours = (cluster !== undefined && kindCluster === cluster) || clabLab === lab;
    return ours && name !== '' ? [{ name, state }] : [];
  });
}

/** The names of Docker's networks. */
export async function networks(): Promise<string[]> {
  const listed = await docker(['network', 'ls', '--format', '{{.Name}}'], { timeoutMs: ANSWER_MS });
  return listed.split('\n').filter(Boolean);
}

/** The images of a list that are here, by the names given. */
export async function imagesHere(images: readonly string[]): Promise<string[]> {
  const here = await Promise.all(images.map(isImageHere));
  return images.filter((_, i) => here[i]);
}

export async function isImageHere(image: string): Promise<boolean> {
  try {
    await docker(['image', 'inspect', '--format', '{{.Id}}', image], { timeoutMs: ANSWER_MS });
    return true;
  } catch (error) {
    if (/no such (image|object)/i.test(messageOf(error))) return false;
    throw error instanceof Failure ? error : dockerFailure(messageOf(error));
  }
}
