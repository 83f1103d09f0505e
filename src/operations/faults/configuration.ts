import { setTimeout as delay } from 'node:timers/promises';
import { calicoGroup, type WireguardDevice, wireguardDevice } from '../../cni/calico/keys.ts';
import { labFailure } from '../../errors.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { Fault, FaultSite, Memory } from './fault.ts';

interface FelixConfiguration extends KubeObject {
  spec?: object;
}

/** Calico's Felix restarts for its configuration, which takes some seconds. */
const EFFECT_MS = 90_000;

/** A port on which no other node looks for a peer. */
const OTHER_PORT = 51999;

/** Encryption is off for one node, by a FelixConfiguration that counts there alone. */
export const offOnOneNode: Fault = {
  symptom: 'What the pods of one node say is overheard, whoever they talk to. Between all others, nothing is.',
  link: 'felix configuration',
  prepare: remember,
  async put(site) {
    await configure(site, { wireguardEnabled: false });
    await untilDevice(site, (device) => device === undefined);
  },
  heal: restore,
};

/** One node listens on another port than the one on which all nodes seek each other. */
export const otherPort: Fault = {
  symptom: 'Since somebody tidied up the configuration, nobody reaches the pods of one node, and they reach nobody.',
  link: 'port',
  prepare: remember,
  async put(site) {
    await configure(site, { wireguardListeningPort: OTHER_PORT });
    await untilDevice(site, (device) => device?.listenPort === OTHER_PORT);
  },
  heal: restore,
};

async function ownConfiguration({ cluster, node }: FaultSite) {
  const apiVersion = await calicoGroup(cluster, 'FelixConfiguration');
  if (apiVersion === undefined) throw labFailure('the lab has no Calico');
  return { apiVersion, kind: 'FelixConfiguration', metadata: { name: `node.${node.name}` } };
}

async function remember(site: FaultSite): Promise<Memory> {
  const before = await site.cluster.get<FelixConfiguration>(await ownConfiguration(site));
  return before ? { before: JSON.stringify(before.spec ?? {}) } : {};
}

async function configure(site: FaultSite, spec: object): Promise<void> {
  const own = await ownConfiguration(site);
  if (!(await site.cluster.create({ ...own, spec }))) await site.cluster.patch(own, { spec });
}

async function restore(site: FaultSite, { before }: Memory): Promise<void> {
  const own = await ownConfiguration(site);
  await site.cluster.remove(own);
  if (before !== undefined) await site.cluster.create({ ...own, spec: JSON.parse(before) });
}

async function untilDevice(site: FaultSite, holds: (device: WireguardDevice | undefined) => boolean): Promise<void> {
  const deadline = Date.now() + EFFECT_MS;
  while (!holds(await wireguardDevice(site.shell, site.node.name, site.interface))) {
    if (Date.now() > deadline) {
      throw labFailure(`the configuration did not come into effect on ${site.node.name} within ${EFFECT_MS / 1000} s`);
    }
    await delay(50); // a node tells nobody of its devices
  }
}
