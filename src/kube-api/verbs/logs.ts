import type { KubeObject } from '../../kube/object.ts';
import type { Call } from '../context.ts';
import type { LogOptions } from '../runtime.ts';
import { listAt, objectAt } from '../schema/json.ts';
import { invalidValue } from '../schema/validate.ts';
import { badRequest, invalid } from '../status.ts';
import { currentObject } from './read.ts';

/** Streams the output of a container. What the client does not take is not read from the runtime either. */
export function podLogs(call: Call): undefined {
  const { api, query, response } = call;
  const pod = currentObject(call);
  const container = containerOf(pod, query.get('container') ?? '');
  const options = logOptions(query);
  checkStarted(pod, container, options.previous);
  const output = api.runtime.logs(pod, container, options);
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  output.on('error', (error) => {
    api.log(`reading the log of ${pod.metadata.namespace}/${pod.metadata.name} failed`, error);
    response.destroy();
  });
  // The client may go while the log goes on: then nobody follows it any more.
  response.on('close', () => output.destroy());
  output.pipe(response);
  return undefined;
}

/** The container that is asked for, or the only one. Throws 400 as Kubernetes does. */
export function containerOf(pod: KubeObject, asked: string): string {
  const { name } = pod.metadata;
  const names = listAt(pod, 'spec', 'containers').map((c) => String(c.name));
  const init = listAt(pod, 'spec', 'initContainers').map((c) => String(c.name));
  if (asked) {
    if (names.includes(asked) || init.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated && names.includes(annotated)) return annotated;
  if (names.length === 1 && names[0] !== undefined) return names[0];
  const others = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]${others}`);
}

function checkStarted(pod: KubeObject, container: string, previous: boolean): void {
  const { name } = pod.metadata;
  if (!objectAt(pod, 'spec').nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const statuses = [...listAt(pod, 'status', 'containerStatuses'), ...listAt(pod, 'status', 'initContainerStatuses')];
  const status = statuses.find((s) => s.name === container);
  if (previous && status && !objectAt(status, 'lastState').terminated) {
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
  }
  const waiting = objectAt(status, 'state').waiting;
  if (waiting && !objectAt(status, 'lastState').terminated) {
    const reason = objectAt(waiting).reason;
    const why = reason === 'ContainerCreating' ? reason : `trying and failing to start: ${reason}`;
    throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ${why}`);
  }
}

function logOptions(query: URLSearchParams): LogOptions {
  const sinceTime = query.get('sinceTime');
  const since = sinceTime ? Math.max(1, Math.ceil((Date.now() - Date.parse(sinceTime)) / 1000)) : undefined;
  return {
    follow: isTrue(query, 'follow'),
    timestamps: isTrue(query, 'timestamps'),
    previous: isTrue(query, 'previous'),
    ...numberOption(query, 'tailLines', 0),
    ...numberOption(query, 'limitBytes', 1),
    ...(since === undefined ? numberOption(query, 'sinceSeconds', 1) : { sinceSeconds: since }),
  };
}

export function isTrue(query: URLSearchParams, name: string): boolean {
  return ['true', '1', 't', 'T', 'True', 'TRUE'].includes(query.get(name) ?? '');
}

function numberOption(query: URLSearchParams, name: string, least: number): Record<string, number> {
  const text = query.get(name);
  if (text === null) return {};
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    const cause = invalidValue(name, text, `must be greater than or equal to ${least}`);
    throw invalid({ group: '', kind: 'PodLogOptions' }, '', [cause]);
  }
  return { [name]: value };
}
