import { ApiError } from './connection.ts';

/** HTTP statuses by which a server, or one in front of it, says that it cannot answer now. */
const LATER = [429, 502, 503, 504];

/**
 * Errors of an API server that serves the request through another one, as it does for Calico's own API, and of one whose store is
 * busy; they come as 500 too (kube-aggregator, handler_proxy.go; etcd).
 */
const BEHIND =
  /error trying to reach service|service unavailable|TLS handshake timeout|context deadline exceeded|^etcdserver: /i;

/** Codes of a connection that broke or never answered. ECONNREFUSED is not among them: nobody listens there. */
const BROKEN = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'];

/** Returns whether the same request may succeed a moment later: a server, or one behind it, was away. Looks at the causes of an error too. */
export function isTransient(error: unknown): boolean {
  return errorsOf(error).some((each) =>
    each instanceof ApiError
      ? LATER.includes(each.code) || (each.code === 500 && BEHIND.test(each.message))
      : BROKEN.includes(codeOf(each)) || each.name === 'Silence',
  );
}

/** The same for one who waits anyway: nobody listens there while a server restarts. */
export function isAway(error: unknown): boolean {
  return isTransient(error) || errorsOf(error).some((each) => codeOf(each) === 'ECONNREFUSED');
}

/** Returns whether the server says that the caller may not do this. */
export function isForbidden(error: unknown): boolean {
  return errorsOf(error).some((each) => each instanceof ApiError && each.code === 403);
}

function errorsOf(error: unknown): Error[] {
  const found: Error[] = [];
  for (let each = error; each instanceof Error && !found.includes(each); each = each.cause) found.push(each);
  return found;
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
