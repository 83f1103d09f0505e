import { type Resource, resource } from '../../kube-api/resources.ts';
import { immutable, type KindRules, range } from '../../kube-api/rules.ts';
import { listAt, objectAt } from '../../kube-api/schema/json.ts';
import { invalidValue } from '../../kube-api/schema/validate.ts';
import type { SchemeExtension } from '../../kube-api/scheme.ts';
import type { Store } from '../../kube-api/store.ts';
import { column, NAME, nameOf, type Printer } from '../../kube-api/tables/columns.ts';
import { age } from '../../kube-api/tables/duration.ts';
import type { FieldsWithoutEffect } from '../../kube-api/without-effect.ts';
import { felixProblems, felixSettings } from './dataplane/felix-settings.ts';
import { CALICO } from './schema.ts';

const V3 = 'projectcalico.org/v3';
const CRD = 'crd.projectcalico.org/v1';
const OPERATOR = 'operator.tigera.io/v1';

/**
 * Calico's kinds. projectcalico.org comes before crd.projectcalico.org, as with Calico's own API server (groupPriorityMinimum
 * 1500), so that `felixconfiguration` is projectcalico.org/v3; both groups serve the one stored object.
 */
const RESOURCES: readonly Resource[] = [
  resource(V3, 'FelixConfiguration', { cluster: true }),
  resource(V3, 'IPPool', { cluster: true }),
  resource(CRD, 'BlockAffinity', { cluster: true, readOnly: true, custom: true, plural: 'blockaffinities' }),
  resource(CRD, 'FelixConfiguration', { cluster: true, custom: true, storedAs: V3 }),
  resource(CRD, 'IPAMBlock', { cluster: true, readOnly: true, custom: true }),
  resource(CRD, 'IPPool', { cluster: true, custom: true, storedAs: V3 }),
  resource(OPERATOR, 'APIServer', { cluster: true, custom: true, subresources: ['status'] }),
  resource(OPERATOR, 'Installation', { cluster: true, custom: true, subresources: ['status'] }),
  resource(OPERATOR, 'TigeraStatus', {
    cluster: true,
    custom: true,
    subresources: ['status'],
    plural: 'tigerastatuses',
  }),
];

/** Refuses values that the dataplane could not carry out, so that no node is asked for them. */
const felixRules: KindRules = (object) => {
  const spec = objectAt(object, 'spec');
  const refused = felixProblems(spec).map(({ field, message }) => invalidValue(`spec.${field}`, spec[field], message));
  return [...refused, ...range(spec.wireguardListeningPortV6, 'spec.wireguardListeningPortV6', 1, 65535)];
};

const poolRules: KindRules = (object, before) =>
  before ? immutable(object, before, ['spec', 'cidr'], 'IPPool CIDR cannot be modified') : [];

/** The fields of a FelixConfiguration that the dataplane acts on; all others are accepted without effect. */
const FELIX_FIELDS_IN_EFFECT = new Set([...Object.keys(felixSettings([])), 'wireguardHostEncryptionEnabled']);
const IS_FOR_IPV6 = /V6$/;

const felixWithoutEffect: FieldsWithoutEffect = (object, store) =>
  Object.entries(objectAt(object, 'spec'))
    .filter(([field]) => !FELIX_FIELDS_IN_EFFECT.has(field) || (IS_FOR_IPV6.test(field) && !hasIpv6(store)))
    .map(([field, value]) => [`spec.${field}`, value]);

/** Returns whether the nodes have IPv6 addresses: they have them from the start, the pool comes later. */
function hasIpv6(store: Pick<Store, 'list'>): boolean {
  return store.list('Node').some(({ status }) => {
    const addresses = (status?.addresses ?? []) as { address: string }[];
    return addresses.some(({ address }) => address.includes(':'));
  });
}

/** Prints TigeraStatus in the columns of the operator's CustomResourceDefinition. */
const tigeraStatusPrinter: Printer = {
  columns: [
    NAME,
    column('Available'),
    column('Progressing'),
    column('Degraded'),
    column('Since', { type: 'date' }),
    column('Message'),
  ],
  cells(status, now) {
    const conditions = listAt(status, 'status', 'conditions');
    const find = (type: string) => conditions.find((c) => c.type === type) ?? {};
    return [
      nameOf(status),
      String(find('Available').status ?? ''),
      String(find('Progressing').status ?? ''),
      String(find('Degraded').status ?? ''),
      find('Available').lastTransitionTime ? age(find('Available').lastTransitionTime, now) : '',
      String(find('Degraded').message ?? ''),
    ];
  },
};

/** Calico's kinds and its operator's, as the API server serves them. */
export const CALICO_SCHEME: SchemeExtension = {
  structs: CALICO,
  resources: RESOURCES,
  defaults: {
    IPPoolSpec(spec) {
      spec.blockSize ??= String(spec.cidr ?? '').includes(':') ? 122 : 26;
      spec.nodeSelector ??= 'all()';
      spec.ipipMode ??= 'Never';
      spec.vxlanMode ??= 'Never';
      spec.allowedUses ??= ['Workload', 'Tunnel'];
    },
  },
  rules: { FelixConfiguration: felixRules, IPPool: poolRules },
  withoutEffect: { FelixConfiguration: felixWithoutEffect },
  printers: { TigeraStatus: tigeraStatusPrinter },
};
