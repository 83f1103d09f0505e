import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Failure, labFailure, lackingFailure, messageOf, usageFailure } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { DaemonSet, KubeObject } from '../../kube/objects.ts';
import { isAway } from '../../kube/transient.ts';
import { finish, type NodeShell, UnprobedNode } from '../../process/node-shell.ts';
import { agentPods } from './agent-status.ts';
import type { Encryption } from './dataplane/types.ts';
import { type IpsecKey, IpsecSecretError, MAX_KEY_ID, parseIpsecSecret } from './keys/ipsec-secret.ts';
import { AGENT, AGENT_CONTAINER, CONFIG_MAP, IPSEC_SECRET, NAMESPACE } from './names.ts';
import { agentDaemonSet, type CiliumState, ciliumConfig, ciliumState, wantedEncryption } from './state.ts';

/** Measured on kind: 28 s for three nodes; each pull of an image, and each slow start, comes on top. */
const CONVERGED_MS = 180_000;
/** How often the logs of agents that do not start are read. */
const FATAL_MS = 1000;

export interface CiliumChange {
  signal: AbortSignal;
  update: (waitingFor: string) => void;
  info: (text: string) => void;
}

/** The keys of cilium-config that the chart sets for an encryption; null removes one, which is how it is turned off. */
const SETTINGS: { readonly [encryption in Encryption]: Readonly<Record<string, string | null>> } = {
  none: { 'enable-wireguard': null, 'enable-ipsec': null },
  wireguard: { 'enable-wireguard': 'true', 'enable-ipsec': null },
  ipsec: {
    'enable-wireguard': null,
    'enable-ipsec': 'true',
    'ipsec-key-file': '/etc/ipsec/keys',
    'enable-ipsec-key-watcher': 'true',
  },
};

const CONFIG = { apiVersion: 'v1', kind: 'ConfigMap', metadata: CONFIG_MAP };
const { field: KEYS, ...SECRET_NAME } = IPSEC_SECRET;
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: SECRET_NAME };
const DAEMON_SET = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: AGENT, namespace: NAMESPACE } };

/** Returns the commands that a person would type for the same. */
export function switchCommands(encryption: Encryption): string[] {
  const patch = JSON.stringify({ data: SETTINGS[encryption] });
  return [
    `kubectl -n ${NAMESPACE} patch configmap ${CONFIG_MAP.name} --type=merge -p '${patch}'`,
    `kubectl -n ${NAMESPACE} rollout restart daemonset/${AGENT}`,
  ];
}

/**
 * Changes how Cilium encrypts: settings, restart of the agents, and resolves once every node has converged. Throws failure 4 with the
 * agent's own reason if one cannot start, and then the settings are as they were before; failure 5 naming what did not happen.
 */
export async function switchEncryption(
  cluster: Cluster,
  shell: NodeShell,
  encryption: Encryption,
  change: CiliumChange,
): Promise<CiliumState> {
  const config = await ciliumConfig(cluster);
  const before = wantedEncryption(config);
  const both = config['enable-wireguard'] === 'true' && config['enable-ipsec'] === 'true';
  if (both)
    change.info(
      'cilium-config asks for WireGuard and for IPsec, with which no agent starts; one of them is turned off',
    );
  if (before === 'ipsec' && encryption === 'wireguard') {
    change.info(
      'from IPsec to WireGuard: states of IPsec may stay on the nodes (a known fault of Cilium); off in between is safer',
    );
  }
  let keyId: number | undefined;
  if (encryption === 'ipsec') keyId = (await ensureSecret(cluster, change.info)).id;
  try {
    await apply(cluster, encryption);
    return await untilConverged(cluster, shell, encryption, keyId, change);
  } catch (error) {
    if (!(error instanceof AgentCannotStart)) throw error;
    await apply(cluster, before);
    change.info(`the settings are as they were before: ${describe(before)}`);
    throw error.failure;
  }
}

function describe(encryption: Encryption): string {
  return { none: 'no encryption', wireguard: 'WireGuard', ipsec: 'IPsec' }[encryption];
}

async function apply(cluster: Cluster, encryption: Encryption): Promise<void> {
  await cluster.patch(CONFIG, { data: SETTINGS[encryption] });
  const daemonSet = await agentDaemonSet(cluster);
  const spec = encryption === 'ipsec' && daemonSet ? withSecret(daemonSet) : {};
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  await cluster.patch(DAEMON_SET, { spec: { template: { metadata: { annotations }, ...spec } } });
}

/** The volume of the Secret, which the chart adds to the agents with IPsec; nothing if it is there. */
function withSecret({ spec }: DaemonSet): { spec?: object } {
  const { volumes = [], containers = [] } = spec?.template.spec ?? {};
  const name = 'cilium-ipsec-secrets';
  if (volumes.some((volume) => volume.name === name)) return {};
  return {
    spec: {
      volumes: [...volumes, { name, secret: { secretName: IPSEC_SECRET.name, defaultMode: 0o400 } }],
      containers: containers.map((container) =>
        container.name === AGENT_CONTAINER
          ? { ...container, volumeMounts: [...(container.volumeMounts ?? []), { name, mountPath: '/etc/ipsec' }] }
          : container,
      ),
    },
  };
}

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

/** Returns the key of Cilium's Secret; undefined if there is none. Throws a usage failure with the agent's words if it is wrong. */
export async function readSecret(cluster: Cluster): Promise<IpsecKey | undefined> {
  const text = (await cluster.get<Secret>(SECRET))?.data?.[KEYS];
  if (text === undefined) return undefined;
  try {
    return parseIpsecSecret(Buffer.from(text, 'base64').toString('latin1'));
  } catch (error) {
    if (!(error instanceof IpsecSecretError)) throw error;
    throw usageFailure(
      `the Secret ${NAMESPACE}/${IPSEC_SECRET.name} is wrong: keys, line ${error.line}: ${error.message}`,
      {
        remedy: `kubectl -n ${NAMESPACE} delete secret ${IPSEC_SECRET.name}, and wglab encrypt on --type ipsec makes a new one`,
      },
    );
  }
}

/** The id that the tutorials begin with. */
const FIRST_ID = 3;
const AES_128_AND_SALT = 20;

async function ensureSecret(cluster: Cluster, info: (text: string) => void): Promise<IpsecKey> {
  const present = await readSecret(cluster);
  if (present) return present;
  const key = newKey(FIRST_ID, AES_128_AND_SALT);
  await cluster.create({ ...SECRET, type: 'Opaque', data: { [KEYS]: encoded(key) } });
  info(`made the Secret ${NAMESPACE}/${IPSEC_SECRET.name}, with key ${key.id}`);
  return key;
}

function newKey(id: number, length: number): IpsecKey {
  return { id, plus: true, algorithm: 'rfc4106(gcm(aes))', psk: randomBytes(length), icvBits: 128 };
}

function encoded({ id, algorithm, psk, icvBits }: IpsecKey): string {
  return Buffer.from(`${id}+ ${algorithm} ${Buffer.from(psk).toString('hex')} ${icvBits}`).toString('base64');
}

/** Puts a new key of the next id into the Secret, and resolves once every node publishes it. Throws failure 4 without IPsec. */
export async function rotateKey(cluster: Cluster, shell: NodeShell, change: CiliumChange): Promise<CiliumState> {
  if (wantedEncryption(await ciliumConfig(cluster)) !== 'ipsec') {
    throw lackingFailure('there is no key to rotate: IPsec is off', { remedy: 'wglab encrypt on --type ipsec' });
  }
  const present = await readSecret(cluster);
  if (!present) throw lackingFailure(`there is no Secret ${NAMESPACE}/${IPSEC_SECRET.name}`);
  const next = newKey(present.id === MAX_KEY_ID ? 1 : present.id + 1, present.psk.length);
  change.info(`key ${present.id} → key ${next.id}: agents read it within about a minute where kubelet must copy it`);
  await cluster.patch(SECRET, { data: { [KEYS]: encoded(next) } });
  return untilConverged(cluster, shell, 'ipsec', next.id, change);
}

/** An agent ended with a reason that does not pass. */
class AgentCannotStart extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

async function untilConverged(
  cluster: Cluster,
  shell: NodeShell,
  encryption: Encryption,
  keyId: number | undefined,
  { signal, update }: CiliumChange,
): Promise<CiliumState> {
  const impatient = cluster.during({ patienceMs: 0 });
  const deadline = performance.now() + CONVERGED_MS;
  let readLogs = performance.now() + FATAL_MS;
  let pause = 20;
  let last: readonly string[] = [];
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      const state = await ciliumState(impatient, keyId);
      last = state.encryption === encryption ? state.waitingFor : ['the API to show the new settings'];
      if (last.length === 0) return state;
      if (encryption === 'wireguard') await provokeHandshakes(shell, state);
      if (performance.now() > readLogs) {
        await refuseFatal(impatient);
        readLogs = performance.now() + FATAL_MS;
      }
    } catch (error) {
      if (!isAway(error)) throw error;
      last = [`the API to answer (${messageOf(error)})`];
    }
    const more = last.length > 1 ? ` and ${last.length - 1} more` : '';
    update(`waiting, at most ${CONVERGED_MS / 1000} s, for ${last[0]}${more}`);
    await delay(pause, undefined, { signal });
    pause = Math.min(pause * 2, 1000);
  }
  throw labFailure(`Cilium's encryption did not change everywhere within ${CONVERGED_MS / 1000} s`, {
    detail: last.join('\n'),
    remedy: 'wglab diagnose. Until it says that all holds, traffic may be plaintext.',
  });
}

/** One datagram through the overlay makes two nodes shake hands. */
const SEND = 'while read -r address; do printf . > "/dev/udp/$address/9"; done';

async function provokeHandshakes(shell: NodeShell, { nodes }: CiliumState): Promise<void> {
  await Promise.all(
    nodes.map(async (node, i) => {
      const later = nodes.slice(i + 1).filter((other) => {
        const peer = node.agent?.wireguard?.peers.find(({ publicKey }) => publicKey === other.publicKey);
        // Both must know each other, or the handshake is lost and is tried again only after 5 s.
        const back = other.agent?.wireguard?.peers.some(({ publicKey }) => publicKey === node.publicKey);
        return peer?.latestHandshake === 0 && back === true;
      });
      const input = later.map(({ internalAddress }) => `${internalAddress}\n`).join('');
      if (input === '') return;
      try {
        await finish(await shell(node.name, ['bash', '-c', SEND]), input);
      } catch (error) {
        if (!(error instanceof UnprobedNode)) throw error; // health probes shake hands there
      }
    }),
  );
}

/** Throws if an agent says in its log that it cannot run. */
async function refuseFatal(cluster: Cluster): Promise<void> {
  for (const [node, pod] of await agentPods(cluster)) {
    const crashed = pod.status?.containerStatuses?.some(
      ({ restartCount = 0, state, ready }) =>
        !ready && (restartCount > 0 || state?.waiting?.reason === 'CrashLoopBackOff'),
    );
    if (!crashed) continue;
    const reason = (await fatalLine(cluster, pod, true)) ?? (await fatalLine(cluster, pod, false));
    if (reason === undefined) continue;
    throw new AgentCannotStart(
      lackingFailure(`Cilium's agent on ${node} cannot start: ${reason}`, {
        detail:
          'What was there before goes on: pods talk with the programs of the old agents, in plaintext if they did so before.',
        remedy: /xfrm|ipsec/i.test(reason)
          ? 'IPsec needs a kernel with ESP (esp4, xfrm_user, seqiv, gcm); WireGuard may work here: wglab encrypt on --type wireguard'
          : /wireguard/i.test(reason)
            ? 'modprobe wireguard on the machine of the nodes; without it, --engine embedded has WireGuard in user space'
            : `kubectl -n ${NAMESPACE} logs ${pod.metadata?.name} --previous`,
      }),
    );
  }
}

async function fatalLine(
  cluster: Cluster,
  pod: Parameters<Cluster['log']>[0],
  previous: boolean,
): Promise<string | undefined> {
  const text = await cluster.log(pod, AGENT_CONTAINER, { lines: 40, previous }).catch(() => '');
  const line = String(text)
    .split('\n')
    .findLast((each) => each.includes('level=fatal'));
  const [, message] = /msg="((?:[^"\\]|\\.)*)"/.exec(line ?? '') ?? [];
  return message?.replace(/\\"/g, '"');
}
