/** The names of the engines, which make a lab's cluster. */
export const ENGINE_NAMES = ['embedded', 'containerlab', 'kubernetes'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];
