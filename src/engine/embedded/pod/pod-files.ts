import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeObject } from '../../../kube/object.ts';
import type { Store } from '../../../kube-api/store.ts';
import { RUN_FOLDER } from './image.ts';
import type { ContainerSpec, PodSpec } from './pod-plan.ts';
import { volumeFiles } from './pod-plan.ts';

const FOLDERS = ['bin', 'dev', 'proc', 'etc', 'tmp', 'var', 'root', 'home', 'run', 'usr'];

/** The folder of a pod: its containers' roots, its volumes and the files that they share. */
export function podFolder(pod: KubeObject): string {
  return join(RUN_FOLDER, 'pods', pod.metadata.uid ?? pod.metadata.name);
}

export function hostsFile(pod: KubeObject): string {
  return join(podFolder(pod), 'hosts');
}

/**
 * Makes the root folder of a container and gives its path. At one go: in memory, each of these takes some 10 µs, and thirty times
 * that where it is waited for.
 */
export function makeRoot(pod: KubeObject, container: ContainerSpec, run: number): string {
  const root = join(podFolder(pod), `${container.name}-${run}`);
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
  writeFileSync(join(root, 'etc/resolv.conf'), '');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files\n');
  return root;
}

/** Makes the pod's volumes and gives what is bound where in a container. Throws PodProblem for a volume that cannot be had. */
export async function makeVolumes(store: Store, pod: KubeObject): Promise<Map<string, string>> {
  const folders = new Map<string, string>();
  for (const volume of (pod.spec as unknown as PodSpec).volumes ?? []) {
    const folder = join(podFolder(pod), 'volumes', volume.name);
    const files = volumeFiles(store, pod.metadata.namespace, volume);
    await mkdir(folder, { recursive: true });
    for (const [path, bytes] of Object.entries(files ?? {})) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    folders.set(volume.name, folder);
  }
  return folders;
}

/** What is bound into a container: its volumes, and /etc/hosts, where the engine writes the Services. */
export function mountsOf(pod: KubeObject, container: ContainerSpec, volumes: Map<string, string>) {
  const mounts = [{ source: hostsFile(pod), target: '/etc/hosts' }];
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const folder = volumes.get(name);
    if (folder) mounts.push({ source: subPath ? join(folder, subPath) : folder, target: mountPath });
  }
  return mounts;
}

export async function removePodFiles(pod: KubeObject): Promise<void> {
  await rm(podFolder(pod), { recursive: true, force: true });
}
