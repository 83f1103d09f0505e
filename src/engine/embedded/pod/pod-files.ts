import { existsSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import type { KubeObject } from '../../../kube/object.ts';
import type { Store } from '../../../kube-api/store.ts';
import type { VolumePlace } from './confinement.ts';
import { RUN_FOLDER } from './image.ts';
import { type ContainerSpec, PodProblem, type PodSpec, volumeFiles } from './pod-plan.ts';

const FOLDERS = ['bin', 'dev', 'proc', 'etc', 'tmp', 'var', 'root', 'home', 'run', 'usr'];

/** The folder of a pod: its containers' roots, its volumes and the files that they share. */
export function podFolder(pod: KubeObject): string {
  return join(RUN_FOLDER, 'pods', pod.metadata.uid ?? pod.metadata.name);
}

export function hostsFile(pod: KubeObject): string {
  return join(podFolder(pod), 'hosts');
}

/**
 * Makes the root folder of a container and returns its path. At one go: in memory, each of these takes some 10 µs, and thirty times
 * that if it is waited for.
 */
export function makeRoot(pod: KubeObject, container: ContainerSpec, run: number): string {
  const root = within(podFolder(pod), `${container.name}-${run}`);
  rmSync(root, { recursive: true, force: true }); // of a sandbox that was lost
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  const user = process.getuid?.() ?? 0;
  const group = process.getgid?.() ?? 0;
  const own = user === 0 ? '' : `pod:x:${user}:${group}:pod:/root:/bin/sh\n`;
  const users = `root:x:0:0:root:/root:/bin/sh\n${own}nobody:x:65534:65534:nobody:/:/bin/false\n`;
  symlinkSync('bin', join(root, 'sbin'));
  symlinkSync('../bin', join(root, 'usr/bin'));
  symlinkSync('../bin', join(root, 'usr/sbin'));
  writeFileSync(join(root, 'etc/passwd'), users);
  writeFileSync(join(root, 'etc/group'), `root:x:0:\n${user === 0 ? '' : `pod:x:${group}:\n`}nogroup:x:65534:\n`);
  writeFileSync(join(root, 'etc/hostname'), `${pod.metadata.name}\n`);
  for (const file of ['hosts', 'resolv.conf']) writeFileSync(join(root, 'etc', file), '');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files\n');
  return root;
}

/** A volume as it lies in the pod's folder. */
export interface Volume {
  folder: string;
  /** Whether its files are the cluster's and not the pod's, as those of a ConfigMap. */
  readOnly: boolean;
}

/** Makes the pod's volumes. Throws PodProblem for a volume that cannot be had. */
export async function makeVolumes(store: Store, pod: KubeObject): Promise<Map<string, Volume>> {
  const volumes = new Map<string, Volume>();
  for (const volume of (pod.spec as unknown as PodSpec).volumes ?? []) {
    const folder = within(join(podFolder(pod), 'volumes'), volume.name);
    const files = volumeFiles(store, pod.metadata.namespace, volume);
    // Files are never written where a pod has been: it could have left a symbolic link for them.
    if (files) await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const [path, bytes] of files ?? []) {
      const file = within(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes, { flag: 'wx' });
    }
    volumes.set(volume.name, { folder, readOnly: files !== undefined });
  }
  return volumes;
}

/** Returns where a container has its volumes. Throws PodProblem if a part of a volume lies outside it. */
export function placesOf(container: ContainerSpec, volumes: ReadonlyMap<string, Volume>): VolumePlace[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath = '', readOnly = false }) => {
    const volume = volumes.get(name);
    if (!volume) return [];
    const part = subPath === '' ? volume.folder : within(volume.folder, subPath);
    if (existsSync(part) && relative(realpathSync(volume.folder), realpathSync(part)).startsWith('..')) {
      throw new PodProblem(
        'CreateContainerConfigError',
        `failed to prepare subPath for volumeMount "${name}" of container "${container.name}"`,
      );
    }
    const target = posix.join('/', mountPath);
    return [{ source: volume.folder, subPath, target, readOnly: readOnly || volume.readOnly }];
  });
}

/** Joins a path that a client chose to a folder. Throws PodProblem if it leads out of it, or names nothing in it. */
function within(folder: string, path: string): string {
  const joined = join(folder, path);
  if (joined.startsWith(`${folder}/`) && !path.includes('\0') && !path.split('/').includes('..')) return joined;
  throw new PodProblem('CreateContainerConfigError', `the path ${JSON.stringify(path)} is not allowed`);
}

export async function removePodFiles(pod: KubeObject): Promise<void> {
  await rm(podFolder(pod), { recursive: true, force: true });
}
