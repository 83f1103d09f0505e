import { offOnOneNode, otherPort } from './configuration.ts';
import type { Fault } from './fault.ts';
import type { FaultName } from './names.ts';
import { portBlocked, smallerUnderlay } from './network.ts';
import { earlierRule, routeGone, ruleGone } from './routing.ts';
import { allowedCut, deviceDown, strangeKey } from './tunnel.ts';

/** All faults that wglab can put into a lab. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  'open-book': offOnOneNode,
  'moved-house': otherPort,
  'plain-speaker': ruleGone,
  'one-way-glass': routeGone,
  'cut-off': portBlocked,
  'small-talk': smallerUnderlay,
  'closed-door': allowedCut,
  'lights-out': deviceDown,
  stranger: strangeKey,
  'short-cut': earlierRule,
};
