import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RemoteProcess } from '../process/remote-process.ts';
import type { Api } from './context.ts';
import { findRoute } from './router.ts';
import { objectAt } from './schema/json.ts';
import { type ApiError, badRequest, notFound, unauthorized, unknownPath } from './status.ts';
import { refuseUpgrade } from './streams/refuse-upgrade.ts';
import { readUrl } from './url.ts';
import { containerOf, isTrue } from './verbs/logs.ts';

interface UpgradeOptions {
  api: Api;
  authorized(request: IncomingMessage): boolean;
  refusalOf(error: unknown, api: Api): ApiError;
}

/** Serves `exec` on pods and nodes. Checks what is asked for; the streams are another module's. */
export function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, options: UpgradeOptions): void {
  // An error of a socket that nobody listens to would end the whole engine.
  socket.on('error', () => socket.destroy());
  acceptUpgrade(request, socket, head, options).catch((error: unknown) => {
    const { code, reason, message } = options.refusalOf(error, options.api);
    refuseUpgrade(socket, code, reason, message);
  });
}

async function acceptUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { authorized, api }: UpgradeOptions,
): Promise<void> {
  if (!authorized(request)) throw unauthorized();
  const url = readUrl(request);
  const query = url.searchParams;
  const start = starter(url.pathname, query, api);
  const streams = {
    stdin: isTrue(query, 'stdin'),
    stdout: isTrue(query, 'stdout'),
    stderr: isTrue(query, 'stderr'),
    tty: isTrue(query, 'tty'),
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  // Loaded with the first command, so that starting a lab does not wait for it.
  const { serveExec } = await import('./streams/serve-exec.ts');
  serveExec(request, socket, head, streams, () => start(streams.tty));
}

/** Returns what starts the command that a path and query name. Throws 400 or 404. */
function starter(pathname: string, query: URLSearchParams, api: Api): (tty: boolean) => RemoteProcess {
  const found = findRoute(pathname);
  const serves = found?.route.serves;
  if (typeof serves !== 'object' || serves.subresource !== 'exec') throw unknownPath();
  const { resource } = serves;
  const { namespace, name = '' } = found ?? {};
  const object = api.store.get(resource.kind, namespace, name);
  if (!object && !(resource.kind === 'Node' && api.runtime.isHost(name))) throw notFound(resource, name);
  const argv = query.getAll('command');
  if (argv.length === 0) throw badRequest('you must specify at least 1 command');
  if (!object || resource.kind === 'Node') return (tty) => api.runtime.execOnNode(name, argv, { tty });
  const container = containerOf(object, query.get('container') ?? '');
  const { phase } = objectAt(object, 'status');
  if (!objectAt(object, 'spec').nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw badRequest(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  return (tty) => api.runtime.exec(object, container, argv, { tty });
}
