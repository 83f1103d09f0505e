import * as z from 'zod/mini';
import type { Path } from './document.ts';
import { ignored } from './schema.ts';

/** A node's definition, and what else in the topology speaks for it, the most particular first: containerlab's order. */
export function definitionsOf(topology: TopologyBody, node: string): { definition: NodeDefinition; path: Path }[] {
  const own = topology.nodes[node] ?? {};
  const kind = kindOf(topology, own) ?? '';
  const from: [NodeDefinition | undefined, Path][] = [
    [own, ['topology', 'nodes', node]],
    [topology.groups?.[own.group ?? ''], ['topology', 'groups', own.group ?? '']],
    [topology.kinds?.[kind], ['topology', 'kinds', kind]],
    [topology.defaults, ['topology', 'defaults']],
  ];
  return from.flatMap(([definition, path]) => (definition ? [{ definition, path }] : []));
}

export function kindOf(topology: TopologyBody, own: NodeDefinition): string | undefined {
  const group = own.group === undefined ? undefined : topology.groups?.[own.group];
  return own.kind ?? group?.kind ?? topology.defaults?.kind;
}

/** Returns the first value that exists for a node, and its place. */
export function inherited(
  topology: TopologyBody,
  node: string,
  key: 'image' | 'startup-config' | 'network-mode',
): { value: string; path: Path } | undefined {
  for (const { definition, path } of definitionsOf(topology, node)) {
    const value = definition[key];
    if (value !== undefined) return { value, path: [...path, key] };
  }
  return undefined;
}

/** As Go's time.ParseDuration: `0s`, `1m30s`. */
const GO_DURATION = /^\+?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/;

/** Keys of containerlab 0.79 (types/node_definition.go and schemas/clab.schema.json there). */
const nodeSchema = z.strictObject({
  kind: z.optional(z.string()),
  group: z.optional(z.string()),
  image: z.optional(z.string()),
  'startup-config': z.optional(z.string()),
  'network-mode': z.optional(z.string()),
  exec: z.optional(z.array(z.string())),
  env: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  extras: z.optional(
    z.strictObject({
      k8s_kind: z.optional(
        z.strictObject({
          deploy: z.optional(
            z.strictObject({
              wait: z.optional(z.string().check(z.regex(GO_DURATION, 'must be a time such as 0s or 5m'))),
              kubeconfig: z.optional(z.string()),
            }),
          ),
        }),
      ),
      ...ignored('srl-agents', 'mysocket-proxy', 'ceos-copy-to-flash'),
    }),
  ),
  ...ignored('aliases', 'auto-remove', 'binds', 'cap-add', 'certificate', 'cgroup-parent', 'cgroupns-mode', 'cmd'),
  ...ignored('components', 'config', 'cpu', 'cpu-set', 'credentials', 'devices', 'dns', 'enforce-startup-config'),
  ...ignored('entrypoint', 'env-files', 'healthcheck', 'hostname', 'image-pull-policy', 'labels'),
  ...ignored('license', 'link-apply-mode', 'memory', 'mgmt-ipv4', 'mgmt-ipv6', 'pid-mode', 'ports'),
  ...ignored('position', 'privileged', 'restart-policy', 'runtime', 'security-opts', 'shm-size', 'stages'),
  ...ignored('startup-delay', 'suppress-startup-config', 'sysctls', 'tmpfs', 'type', 'user', 'volumes'),
});

const MTU = 'must be from 68 to 65535';

/** The brief form of a link, which has no type; what the others consist of is for containerlab to look into (links/ there). */
const linkSchema = z.strictObject({
  type: z.optional(z.string()),
  endpoints: z.optional(z.array(z.unknown())),
  mtu: z.optional(z.int().check(z.minimum(68, MTU), z.maximum(65535, MTU))),
  ...ignored('labels', 'vars', 'ipv4', 'ipv6', 'endpoint', 'mode', 'host-interface', 'remote', 'vni', 'dst-port'),
  ...ignored('src-port', 'mac'),
});

const bodySchema = z.strictObject({
  nodes: z.record(z.string(), nodeSchema),
  kinds: z.optional(z.record(z.string(), nodeSchema)),
  groups: z.optional(z.record(z.string(), nodeSchema)),
  defaults: z.optional(nodeSchema),
  links: z.optional(z.array(linkSchema)),
});

export const topologySchema = z.strictObject({
  name: z
    .string()
    .check(
      z.regex(
        /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
        'must begin with a letter or digit and have only letters, digits, dots, hyphens and underscores',
      ),
    ),
  topology: bodySchema,
  ...ignored('prefix', 'mgmt', 'settings', 'debug'),
});

export type NodeDefinition = z.output<typeof nodeSchema>;
export type TopologyBody = z.output<typeof bodySchema>;
export type LinkDefinition = z.output<typeof linkSchema>;
