/** Objects by which Cilium is known in a cluster. */
export const NAMESPACE = 'kube-system';
export const AGENT = 'cilium';
/** Every agent's pod has it. */
export const AGENT_LABELS = { 'k8s-app': 'cilium' } as const;
export const AGENT_CONTAINER = 'cilium-agent';
export const CONFIG_MAP = { namespace: NAMESPACE, name: 'cilium-config' } as const;
/** The Secret for IPsec, and the field of its data that holds the key. */
export const IPSEC_SECRET = { namespace: NAMESPACE, name: 'cilium-ipsec-keys', field: 'keys' } as const;
/** The version whose behaviour this is. */
export const VERSION = 'v1.20.2';
