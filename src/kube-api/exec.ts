import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RemoteProcess } from '../process/remote-process.ts';
import type { Api } from './context.ts';
import { parseApiPath } from './path.ts';
import { objectAt } from './schema/json.ts';
import { ApiError, badRequest, notFound, unknownPath } from './status.ts';
import { refuseUpgrade } from './streams/refuse-upgrade.ts';
import { readUrl } from './url.ts';
import { containerOf, isTrue } from './verbs/logs.ts';

interface UpgradeOptions {
  api: Api;
  authorized(request: IncomingMessage): boolean;
  refusalOf(error: unknown, api: Api): ApiError;
}

/** Serves `exec` on pods and nodes: what is asked for is checked here, the streams are the other side's. */
export function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, options: UpgradeOptions): void {
  try {
    if (!options.authorized(request)) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    const url = readUrl(request);
    const query = url.searchParams;
    const start = starter(url.pathname, query, options.api);
    const streams = {
      stdin: isTrue(query, 'stdin'),
      stdout: isTrue(query, 'stdout'),
      stderr: isTrue(query, 'stderr'),
      tty: isTrue(query, 'tty'),
    };
    if (!streams.stdin && !streams.stdout && !streams.stderr) {
      throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
    }
    // Loaded with the first command: whoever waits for the engine to start does not wait for it. Until then nobody else listens.
    socket.on('error', () => socket.destroy());
    void import('./streams/serve-exec.ts').then(({ serveExec }) =>
      serveExec(request, socket, head, streams, () => start(streams.tty)),
    );
  } catch (error) {
    const { code, reason, message } = options.refusalOf(error, options.api);
    socket.on('error', () => socket.destroy());
    refuseUpgrade(socket, code, reason, message);
  }
}

/** What starts the command that a path and query name. Throws 400 or 404. */
function starter(pathname: string, query: URLSearchParams, api: Api): (tty: boolean) => RemoteProcess {
  const path = parseApiPath(pathname);
  if (path?.type !== 'target' || path.target.subresource !== 'exec') throw unknownPath();
  const { resource, namespace, name = '' } = path.target;
  if (resource.kind !== 'Pod' && resource.kind !== 'Node') throw unknownPath();
  const object = api.store.get(resource.kind, namespace, name);
  if (!object && !(resource.kind === 'Node' && api.runtime.isHost(name))) throw notFound(resource, name);
  const argv = query.getAll('command');
  if (argv.length === 0) throw badRequest('you must specify at least 1 command');
  // wglab's own path, beside Kubernetes' API: a command on the node itself, as `docker exec` on a kind node.
  if (!object || resource.kind === 'Node') return (tty) => api.runtime.execOnNode(name, argv, { tty });
  const container = containerOf(object, query.get('container') ?? '');
  const { phase } = objectAt(object, 'status');
  if (!objectAt(object, 'spec').nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw badRequest(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  return (tty) => api.runtime.exec(object, container, argv, { tty });
}
