import type { KubeObject } from '../../kube/object.ts';
import { isObject, type JsonObject, listAt, objectAt } from '../schema/json.ts';
import { AGE, ageOf, column, NAME, nameOf, type Printer, wide } from './columns.ts';
import { age } from './duration.ts';

export const podPrinter: Printer = {
  columns: [
    NAME,
    column('Ready'),
    column('Status'),
    column('Restarts'),
    AGE,
    wide('IP'),
    wide('Node'),
    wide('Nominated Node'),
    wide('Readiness Gates'),
  ],
  cells(pod, now) {
    const containers = listAt(pod, 'spec', 'containers').length;
    const statuses = listAt(pod, 'status', 'containerStatuses');
    const ready = statuses.filter((s) => s.ready === true && isObject(objectAt(s, 'state').running)).length;
    const status = objectAt(pod, 'status');
    return [
      nameOf(pod),
      `${ready}/${containers}`,
      podReason(pod),
      restarts(statuses, now),
      ageOf(pod, now),
      String(status.podIP || '<none>'),
      String(objectAt(pod, 'spec').nodeName || '<none>'),
      String(status.nominatedNodeName || '<none>'),
      readinessGates(pod),
    ];
  },
};

/** The STATUS column: the phase, or what is more telling (CrashLoopBackOff, Completed, Init:0/1, Terminating). */
function podReason(pod: KubeObject): string {
  const status = objectAt(pod, 'status');
  let reason = String(status.reason || status.phase || 'Unknown');
  const init = listAt(pod, 'status', 'initContainerStatuses');
  const initSpecs = listAt(pod, 'spec', 'initContainers');
  const open = init.findIndex((s) => !(objectAt(s, 'state', 'terminated').exitCode === 0 || isSidecar(initSpecs, s)));
  if (open >= 0) {
    reason = initReason(init[open] ?? {}, open, initSpecs.length);
  } else {
    let running = false;
    for (const s of listAt(pod, 'status', 'containerStatuses').reverse()) {
      const state = objectAt(s, 'state');
      const own = stateReason(state);
      if (own) reason = own;
      else if (s.ready === true && isObject(state.running)) running = true;
    }
    if (reason === 'Completed' && running) reason = isReady(pod) ? 'Running' : 'NotReady';
  }
  if (!pod.metadata.deletionTimestamp) return reason;
  return status.reason === 'NodeLost' ? 'Unknown' : 'Terminating';
}

function stateReason(state: JsonObject): string | undefined {
  const waiting = objectAt(state, 'waiting').reason;
  if (waiting) return String(waiting);
  if (!isObject(state.terminated)) return undefined;
  const { reason, signal, exitCode } = state.terminated;
  if (reason) return String(reason);
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function initReason(status: JsonObject, index: number, total: number): string {
  const state = objectAt(status, 'state');
  const own = stateReason(state);
  return own && own !== 'PodInitializing' ? `Init:${own}` : `Init:${index}/${total}`;
}

function isSidecar(specs: JsonObject[], status: JsonObject): boolean {
  return specs.some((c) => c.name === status.name && c.restartPolicy === 'Always') && status.started === true;
}

function isReady(pod: KubeObject): boolean {
  return listAt(pod, 'status', 'conditions').some((c) => c.type === 'Ready' && c.status === 'True');
}

/** `2 (5m ago)`: how often, and since when not any more. */
function restarts(statuses: JsonObject[], now: number): string {
  const total = statuses.reduce((sum, s) => sum + Number(s.restartCount ?? 0), 0);
  const ends = statuses.map((s) => String(objectAt(s, 'lastState', 'terminated').finishedAt ?? '')).filter(Boolean);
  const last = ends.sort().at(-1);
  return total > 0 && last ? `${total} (${age(last, now)} ago)` : String(total);
}

function readinessGates(pod: KubeObject): string {
  const gates = listAt(pod, 'spec', 'readinessGates');
  if (gates.length === 0) return '<none>';
  const conditions = listAt(pod, 'status', 'conditions');
  const open = gates.filter((g) => conditions.some((c) => c.type === g.conditionType && c.status === 'True'));
  return `${open.length}/${gates.length}`;
}
