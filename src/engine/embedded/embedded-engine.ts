import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { labFailure, lackingFailure, messageOf } from '../../errors.ts';
import type { ClusterConfig } from '../../lab/kind-config.ts';
import type { Lab } from '../../lab/lab.ts';
import { NODE_SUBNET, NODE_SUBNET_6 } from '../../lab/node-subnet.ts';
import { inputFailure } from '../../lab/problem.ts';
import { UnprobedNode } from '../../process/node-shell.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import type { Reporter } from '../../process/reporter.ts';
import { runTool } from '../../process/tool.ts';
import { storageFailure, writeWhole } from '../../state/whole-file.ts';
import { type Engine, type StartRequest, startOf } from '../engine.ts';
import { startHolder } from './holder.ts';
import { endHolder, holderStands } from './holder-processes.ts';
import type { EngineOrder } from './messages.ts';

/** A lab of namespaces on this machine, without Docker, images or, where the system allows it, root. */
export const embeddedEngine: Engine = {
  name: 'embedded',
  ownsCluster: true,

  preflight: async () => (await import('./doctor/preflight.ts')).preflightEmbedded(),

  start: (request, reporter) => startOf((serving) => startLab(request, reporter, serving)),

  explain: async () => (await import('./doctor/preflight.ts')).explainUnshareFailure(),

  isRunning: holderStands,

  async destroy(folder: string): Promise<void> {
    await endHolder(folder);
  },

  access(_folder, kubeconfig) {
    let cluster: Promise<import('../../kube/cluster.ts').Cluster> | undefined;
    return {
      kubeconfig,
      async shell(node, argv, options = {}) {
        cluster ??= import('../../kube/cluster.ts').then(({ Cluster }) => Cluster.connect(kubeconfig));
        const path = `/api/v1/nodes/${encodeURIComponent(node)}/exec`;
        return toldIfLost(node, await (await cluster).exec(path, argv, options));
      },
    };
  },

  doctor: async () => (await import('./doctor/embedded.ts')).examineEmbedded(),
};

/** Starts the lab's holder, unless it runs already. Resolves once all nodes are there. */
async function startLab(
  { name, lab, folder, kubeconfig, logFile, signal }: StartRequest,
  reporter: Reporter,
  serving: () => void,
): Promise<void> {
  if (holderStands(folder)) return;
  await writeFile(logFile, '', { flag: 'a', mode: 0o600 }).catch((error) => {
    throw storageFailure(error, `write ${logFile}`);
  });
  const token = randomBytes(32).toString('hex');
  let cert = '';
  const order = async () => {
    const [tls, read] = await Promise.all([makeCertificate(), lab()]);
    refuseIpv6Alone(read.cluster);
    if (read.topology.notEmbedded.length > 0) throw inputFailure(read.topology.notEmbedded);
    cert = tls.cert;
    return orderOf(read, tls, token);
  };
  const { port, ready } = await startHolder({
    labFolder: folder,
    logFile,
    order,
    port: 0,
    progress: (step) => reporter.step(step),
    signal,
  });
  await writeWhole(kubeconfig, kubeconfigText(name, port, cert, token), 0o600);
  serving();
  await ready;
}

/** A node whose namespaces have ended takes no commands; the lab as a whole stands. */
function toldIfLost(node: string, remote: RemoteProcess): RemoteProcess {
  const exited = remote.exited.catch((error) => {
    throw messageOf(error).endsWith(`node ${node} does not run`) ? new UnprobedNode(node, 'it does not run') : error;
  });
  exited.catch(() => undefined); // whoever kills a command need not ask how it ended
  return { ...remote, exited };
}

function refuseIpv6Alone({ ipFamily }: ClusterConfig): void {
  if (ipFamily === 'ipv6') {
    throw labFailure('the embedded engine has IPv4, or IPv4 and IPv6, and the lab wants IPv6 alone', {
      remedy: 'Set networking.ipFamily to dual in the kind configuration, or use another engine.',
    });
  }
  if (ipFamily === 'dual' && !existsSync('/proc/sys/net/ipv6')) {
    throw lackingFailure("this machine's kernel has no IPv6, and the lab needs both IPv4 and IPv6", {
      remedy: 'Take ipv6.disable=1 away from the parameters that the kernel is started with.',
    });
  }
}

function orderOf(
  { definition, cluster, topology: { linux, external, links } }: Lab,
  tls: EngineOrder['tls'],
  token: string,
): EngineOrder {
  const nodes = cluster.nodes.map(({ name, role, labels }) => ({ name, role, labels }));
  return {
    nodes,
    cni: definition.cni.name,
    podSubnet: cluster.podSubnet,
    serviceSubnet: cluster.serviceSubnet,
    nodeSubnet: NODE_SUBNET,
    ...(cluster.ipFamily === 'dual' && { nodeSubnet6: NODE_SUBNET_6 }),
    ...(linux.length + external.length > 0 && {
      hosts: {
        linux: linux.map(({ name, exec, env }) => ({ name, exec, env })),
        external: external.map(({ name, exec }) => ({ name, exec })),
        links,
      },
    }),
    tls,
    token,
  };
}

/**
 * A key and a certificate for 127.0.0.1 that is its own authority, by openssl: a third of the time and none of the size of a
 * library. Both come on standard output, so that the key is in no file and no argument.
 */
async function makeCertificate(): Promise<EngineOrder['tls']> {
  const argv = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const rest = [
    '-keyout',
    '-',
    '-out',
    '-',
    '-days',
    '365',
    '-subj',
    '/CN=wglab',
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
  ];
  const pem = await runTool([...argv, ...rest]).catch((error) => {
    throw lackingFailure(`openssl could not make the API's certificate: ${messageOf(error)}`, {
      remedy: 'apt-get install openssl',
    });
  });
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(pem)?.[0];
  const cert = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(pem)?.[0];
  if (!key || !cert) throw lackingFailure('openssl printed no key and certificate', { detail: 'openssl req -x509' });
  return { key, cert };
}

function kubeconfigText(name: string, port: number, cert: string, token: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: wglab-${name}
    cluster:
      server: https://127.0.0.1:${port}
      certificate-authority-data: ${Buffer.from(cert).toString('base64')}
users:
  - name: wglab-${name}
    user:
      token: ${token}
contexts:
  - name: wglab-${name}
    context:
      cluster: wglab-${name}
      user: wglab-${name}
current-context: wglab-${name}
`;
}
