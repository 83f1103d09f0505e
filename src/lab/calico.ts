import * as z from 'zod/mini';
import { isNetwork, parseCidr } from '../net/cidr.ts';
import type { SourceDocument } from './document.ts';
import { FELIX_FIELDS } from './felix-fields.ts';
import type { ClusterConfig } from './kind-config.ts';
import type { Manifest } from './manifests.ts';
import { inputFailure, type Problem, showPlace } from './problem.ts';
import { check, ignored, problemAt } from './schema.ts';

/** Calico's resources, as far as wglab knows them. */
export interface CalicoConfig {
  pools: IpPool[];
  installation: InstallationSpec;
  /** The spec of each FelixConfiguration by name: `default`, or `node.NAME` for one node. */
  felix: Record<string, FelixSpec>;
}

export type IpPool = z.output<typeof poolSchema>;
export type InstallationSpec = z.output<typeof installationSchema>['spec'];
export type FelixSpec = NonNullable<z.output<typeof felixSchema>['spec']>;

/**
 * Checks Calico's own resources among the manifests down to the last field, for a CRD on a cluster may prune an unknown
 * field without a word; and checks the pools against the cluster. Throws a usage failure with places.
 */
export function calicoConfigOf(
  manifests: readonly Manifest[],
  cluster: ClusterConfig,
  clusterFile: SourceDocument,
): CalicoConfig {
  const felix: CalicoConfig['felix'] = {};
  let installation: { spec: InstallationSpec; document: SourceDocument } | undefined;
  for (const { object, document } of manifests) {
    if (object.kind === 'Installation') installation = { spec: check(document, installationSchema).spec, document };
    if (object.kind === 'FelixConfiguration') felix[object.metadata.name] = check(document, felixSchema).spec ?? {};
  }
  if (!installation) {
    const file = manifests[0]?.document.file ?? cluster.file;
    const message = 'there is no Installation among the CNI manifests, which says how Calico is to be installed';
    throw inputFailure([{ place: { file, line: 1, column: 1 }, message }]);
  }
  const { spec, document } = installation;
  const pools = spec.calicoNetwork.ipPools;
  const problems = pools.flatMap((pool, i) => poolProblems(pool, i, document, cluster, clusterFile));
  if (problems.length > 0) throw inputFailure(problems);
  return { pools, installation: spec, felix };
}

function poolProblems(
  pool: IpPool,
  i: number,
  document: SourceDocument,
  cluster: ClusterConfig,
  clusterFile: SourceDocument,
): Problem[] {
  const path = ['spec', 'calicoNetwork', 'ipPools', i, 'cidr'];
  const cidr = parseCidr(pool.cidr);
  if (!cidr || !isNetwork(cidr))
    return [problemAt(document, path, `"${pool.cidr}" is not a network such as 192.168.0.0/16`)];
  const problems: Problem[] = [];
  if (!cluster.podSubnet.split(',').includes(pool.cidr)) {
    const subnetPath = ['networking', 'podSubnet'];
    const where = clusterFile.has(subnetPath)
      ? showPlace(clusterFile.placeOf(subnetPath))
      : `kind's default, as ${showPlace(clusterFile.placeOfKey(['networking']))} names none`;
    const message = `the pool ${pool.cidr} is not the cluster's podSubnet ${cluster.podSubnet} (${where})`;
    problems.push(
      problemAt(document, path, message, 'Give both the same network: the addresses of pods come from the pool.'),
    );
  }
  // Calico's limits for a block, and a pool must hold one (libcalico-go/lib/validator).
  const [smallest, largest] = cidr.family === 4 ? [20, 32] : [116, 128];
  const size = pool.blockSize ?? (cidr.family === 4 ? 26 : 122);
  if (size < Math.max(smallest, cidr.prefix) || size > largest) {
    const message = `a block of /${size} does not fit: it must be from /${Math.max(smallest, cidr.prefix)} to /${largest} in a pool of /${cidr.prefix}`;
    problems.push(problemAt(document, [...path.slice(0, -1), 'blockSize'], message));
  }
  return problems;
}

const abled = z.enum(['Enabled', 'Disabled']);
const count = z.int().check(z.minimum(0, 'must not be negative'));

const autodetectionSchema = z.strictObject({
  firstFound: z.optional(z.boolean()),
  kubernetes: z.optional(z.literal('NodeInternalIP')),
  interface: z.optional(z.string()),
  skipInterface: z.optional(z.string()),
  canReach: z.optional(z.string()),
  cidrs: z.optional(z.array(z.string())),
});

const poolSchema = z.strictObject({
  name: z.optional(z.string()),
  cidr: z.string(),
  blockSize: z.optional(z.int()),
  // Calico's own default is IPIP; nobody should get that by leaving a line out.
  encapsulation: z.enum(['VXLAN', 'VXLANCrossSubnet', 'IPIP', 'IPIPCrossSubnet', 'None']),
  natOutgoing: z.optional(abled),
  nodeSelector: z.optional(z.string()),
  disableBGPExport: z.optional(z.boolean()),
  disableNewAllocations: z.optional(z.boolean()),
  allowedUses: z.optional(z.array(z.enum(['Workload', 'Tunnel', 'LoadBalancer']))),
  assignmentMode: z.optional(z.enum(['Automatic', 'Manual'])),
});

/** Fields of the operator's InstallationSpec and CalicoNetworkSpec (tigera/operator, api/v1/installation_types.go). */
const installationSchema = z.strictObject({
  apiVersion: z.literal('operator.tigera.io/v1'),
  kind: z.literal('Installation'),
  metadata: z.looseObject({ name: z.literal('default') }),
  spec: z.strictObject({
    variant: z.optional(z.string()),
    controlPlaneReplicas: z.optional(count),
    kubeletVolumePluginPath: z.optional(z.string()),
    registry: z.optional(z.string()),
    calicoNetwork: z.strictObject({
      bgp: z.optional(abled),
      linuxDataplane: z.optional(z.enum(['Iptables', 'Nftables', 'BPF', 'VPP'])),
      mtu: z.optional(count),
      hostPorts: z.optional(abled),
      containerIPForwarding: z.optional(abled),
      nodeAddressAutodetectionV4: z.optional(autodetectionSchema),
      nodeAddressAutodetectionV6: z.optional(autodetectionSchema),
      ipPools: z.array(poolSchema).check(z.minLength(1, 'must have a pool, for the addresses of pods')),
      ...ignored('windowsDataplane', 'bpfNetworkBootstrap', 'kubeProxyManagement', 'clusterRoutingMode'),
      ...ignored('multiInterfaceMode', 'linuxPodInterfaceType', 'sysctl', 'linuxPolicySetupTimeoutSeconds'),
    }),
    ...ignored('imagePath', 'imagePrefix', 'imagePullSecrets', 'imagePullPolicy', 'kubernetesProvider', 'cni'),
    ...ignored('typhaAffinity', 'controlPlaneNodeSelector', 'controlPlaneTolerations', 'nodeMetricsPort'),
    ...ignored('typhaMetricsPort', 'flexVolumePath', 'calicoRunHostPath', 'calicoLibHostPath', 'nodeUpdateStrategy'),
    ...ignored('componentResources', 'certificateManagement', 'tlsCipherSuites', 'nonPrivileged'),
    ...ignored('calicoNodeDaemonSet', 'csiNodeDriverDaemonSet', 'calicoKubeControllersDeployment'),
    ...ignored('typhaDeployment', 'typhaPodDisruptionBudget', 'calicoWindowsUpgradeDaemonSet'),
    ...ignored('calicoNodeWindowsDaemonSet', 'fipsMode', 'logging', 'windowsNodes', 'serviceCIDRs', 'azure'),
    ...ignored('proxy', 'networkPolicy'),
  }),
  ...ignored('status'),
});

const port = z.int().check(z.minimum(1, 'must be a port, 1 to 65535'), z.maximum(65535, 'must be a port, 1 to 65535'));
// The kernel's limit for the name of an interface (IFNAMSIZ).
const interfaceName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_.-]{1,15}$/, 'must be 1 to 15 letters, digits, dots, hyphens or underscores'));

const felixSchema = z.strictObject({
  apiVersion: z.enum(['projectcalico.org/v3', 'crd.projectcalico.org/v1']),
  kind: z.literal('FelixConfiguration'),
  metadata: z.looseObject({
    name: z.string().check(z.regex(/^(default|node\..+)$/, 'must be "default", or "node." and the name of a node')),
  }),
  spec: z.optional(
    z.strictObject({
      ...ignored(...FELIX_FIELDS),
      wireguardEnabled: z.optional(z.boolean()),
      wireguardEnabledV6: z.optional(z.boolean()),
      wireguardListeningPort: z.optional(port),
      wireguardListeningPortV6: z.optional(port),
      wireguardRoutingRulePriority: z.optional(
        z.int().check(z.minimum(1, 'must be 1 to 32765'), z.maximum(32765, 'must be 1 to 32765')),
      ),
      wireguardInterfaceName: z.optional(interfaceName),
      wireguardInterfaceNameV6: z.optional(interfaceName),
      wireguardMTU: z.optional(count),
      wireguardMTUV6: z.optional(count),
      wireguardHostEncryptionEnabled: z.optional(z.boolean()),
      // Whole numbers only: the pattern in Calico's CRD takes no fractions.
      wireguardKeepAlive: z.optional(z.string().check(z.regex(/^(\d+(ms|s|m|h))+$/, 'must be a time such as 25s'))),
      wireguardThreadingEnabled: z.optional(z.boolean()),
    }),
  ),
});
