/** The CNIs that a lab can have. */
export const CNI_NAMES = ['calico', 'cilium'] as const;
export type CniName = (typeof CNI_NAMES)[number];
