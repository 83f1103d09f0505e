/** Names that reveal no more than the symptom does. */
export const FAULT_NAMES = [
  'open-book',
  'moved-house',
  'plain-speaker',
  'one-way-glass',
  'cut-off',
  'small-talk',
  'closed-door',
  'lights-out',
  'stranger',
  'short-cut',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];
