import type { IncomingMessage } from 'node:http';
import { badRequest } from './status.ts';

/** The path and query of a request; the host says nothing. Throws 400. */
export function readUrl(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? '/', 'https://localhost');
  } catch {
    throw badRequest('the request has no readable URL');
  }
}
