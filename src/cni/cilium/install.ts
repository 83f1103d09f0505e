import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { labFailure, messageOf, usageFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { AppliedObject } from '../../kube/object.ts';
import type { DaemonSet } from '../../kube/objects.ts';
import { TroubleWatch, troubleFailure } from '../../kube/pod-trouble.ts';
import type { Manifest } from '../../lab/manifests.ts';
import type { Reporter } from '../../process/reporter.ts';
import { CILIUM_API } from './cilium-node.ts';
import { AGENT, CONFIG_MAP, NAMESPACE, VERSION } from './names.ts';

export interface CiliumInstall {
  /** A file with what the chart renders; not needed by a cluster that has Cilium's kinds built in. */
  manifestFile?: string;
  /** The lab's own settings: the ConfigMap cilium-config, whose keys win over those of the file. */
  manifests: readonly Manifest[];
  apply: (manifests: readonly Manifest[]) => Promise<void>;
  reporter: Reporter;
  signal: AbortSignal;
}

/** The agent's image alone has 700 MB. */
const LIMIT_MS = 600_000;
const AGAIN_MS = 500;

/** How the file is made: the smallest chart that shows encryption, without anything random in it, and with two images. */
const RENDER = `helm template cilium cilium --repo https://helm.cilium.io --version ${VERSION.slice(1)} --namespace ${NAMESPACE} \\
  --set ipam.mode=kubernetes,operator.replicas=1,routingMode=tunnel,tunnelProtocol=vxlan,cluster.name=wglab \\
  --set hubble.enabled=false,envoy.enabled=false,l7Proxy=false,image.pullPolicy=IfNotPresent \\
  --set image.useDigest=false,operator.image.useDigest=false > cilium.yaml`;

/**
 * Installs Cilium: the file that its chart renders, with the lab's own settings. Where the cluster has Cilium's kinds built in, the
 * settings are all there is to apply. Returns once the agents are ready on all nodes. Throws failure 5 that says what was last seen.
 */
export async function installCilium(cluster: Cluster, install: CiliumInstall): Promise<void> {
  const { manifests, apply, reporter, signal } = install;
  reporter.step('Installing Cilium');
  if (await hasKindsBuiltIn(cluster)) await apply(manifests);
  else {
    for (const object of await rendered(install)) {
      signal.throwIfAborted();
      await cluster.applyServerSide(object, JSON.stringify(object));
    }
  }
  reporter.step('Installing Cilium: waiting for its agents');
  await reporter.timed("Cilium's agents", 'cluster', () => untilAgentsReady(cluster, install));
}

/** A cluster that serves Cilium's kinds before anything is installed. */
async function hasKindsBuiltIn(cluster: Cluster): Promise<boolean> {
  if (!(await cluster.serves(CILIUM_API, 'CiliumNode'))) return false;
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  return !(await cluster.serves(definition.apiVersion, definition.kind));
}

/** The objects of the file, the lab's keys in the ConfigMap among them; namespaces first. */
async function rendered({ manifestFile, manifests }: CiliumInstall): Promise<AppliedObject[]> {
  if (manifestFile === undefined) {
    throw usageFailure('Cilium has no manifest of its own to install it by: its chart must be rendered once', {
      remedy: `Make it with Helm, on any machine, and give it with --cilium-manifest cilium.yaml:\n${RENDER}`,
    });
  }
  const text = await readFile(manifestFile, 'utf8').catch((error) => {
    throw usageFailure(`--cilium-manifest: cannot read ${manifestFile}: ${messageOf(error)}`);
  });
  const objects = ciliumObjects(text, manifestFile);
  const settings = manifests.find(({ object }) => object.kind === 'ConfigMap')?.object.data as Record<string, string>;
  return objects.map((object) =>
    object.kind === 'ConfigMap' && object.metadata.name === CONFIG_MAP.name
      ? { ...object, data: { ...(object.data as object), ...settings } }
      : object,
  );
}

/** Reads what the chart rendered. Throws a usage failure if it is not that. */
export function ciliumObjects(text: string, file: string): AppliedObject[] {
  const documents = parseAllDocuments(text);
  const objects = ('empty' in documents ? [] : documents).flatMap((document) => {
    const [error] = document.errors;
    if (error) {
      const { line = 1, col = 1 } = error.linePos?.[0] ?? {};
      throw usageFailure(`${file}:${line}:${col}: ${error.message.split('\n')[0]}`);
    }
    const object = document.toJS() as AppliedObject | null;
    return object?.kind && object.metadata?.name ? [object] : [];
  });
  for (const [kind, name] of [
    ['DaemonSet', AGENT],
    ['ConfigMap', CONFIG_MAP.name],
  ]) {
    if (objects.some((object) => object.kind === kind && object.metadata.name === name)) continue;
    throw usageFailure(`${file}: there is no ${kind} "${name}" in it, so it is not what Cilium's chart renders`, {
      remedy: RENDER,
    });
  }
  return [...objects.filter(({ kind }) => kind === 'Namespace'), ...objects.filter(({ kind }) => kind !== 'Namespace')];
}

/** Returns the images that a file of the chart names. */
export async function ciliumImages(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error) => {
    throw usageFailure(`--cilium-manifest: cannot read ${file}: ${messageOf(error)}`);
  });
  const images = [...text.matchAll(/^\s+(?:- )?image: *["']?([^\s"']+)/gm)].map(([, image = '']) => image);
  return [...new Set(images)];
}

async function untilAgentsReady(cluster: Cluster, { signal, reporter }: CiliumInstall): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  const reference = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: AGENT, namespace: NAMESPACE } };
  const impatient = cluster.during({ patienceMs: 0 });
  const watch = new TroubleWatch();
  let last = 'no agents yet';
  let pause = 20;
  while (performance.now() < end) {
    signal.throwIfAborted();
    const { status, metadata } = (await cluster.get<DaemonSet>(reference).catch(() => undefined)) ?? {};
    const wanted = status?.desiredNumberScheduled ?? 0;
    const ready = status?.numberReady ?? 0;
    if (wanted > 0 && ready === wanted && status?.observedGeneration === metadata?.generation) return;
    last = `agents are ready on ${ready} of ${wanted} nodes`;
    reporter.update(`waiting, at most ${LIMIT_MS / 1000} s, for Cilium: ${last}`);
    const fatal = watch.fatalIn(await impatient.pods().catch(() => []), performance.now());
    if (fatal) throw await troubleFailure(impatient, fatal);
    await delay(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, AGAIN_MS);
  }
  throw labFailure(`waited ${LIMIT_MS / 1000} s for Cilium; last seen: ${last}`, {
    remedy: `kubectl -n ${NAMESPACE} describe pods -l k8s-app=cilium, and kubectl -n ${NAMESPACE} logs ds/${AGENT}, tell more`,
  });
}
