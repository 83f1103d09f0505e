import { usageFailure } from '../../errors.ts';
import { parseSelector, SelectorError, type SelectorRequirement } from '../../kube/selectors.ts';

/** Parses `--nodes`, a label selector as kubectl takes it, into requirements of a node affinity. Throws a usage failure. */
export function requirementsOf(selector: string): SelectorRequirement[] {
  try {
    return parseSelector(selector);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    throw usageFailure(`--nodes: ${JSON.stringify(error.part)} is no label selector`, {
      remedy: 'Write it as for kubectl get nodes -l: pool=db, zone in (a,b), !gpu',
    });
  }
}
