import type { Resource } from './resources.ts';
import type { StoreError } from './store.ts';

export interface StatusCause {
  reason: string;
  message: string;
  field: string;
}

interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
}

/** A refusal in Kubernetes' own form: an HTTP status with a `Status` object that kubectl knows how to word. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Record<string, unknown> {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message);

export const unknownPath = () => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export const unauthorized = () => new ApiError(401, 'Unauthorized', 'Unauthorized');

export const methodNotAllowed = () =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const unsupportedMediaType = (accepted: readonly string[]) =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

type Named = Pick<Resource, 'group' | 'plural' | 'kind'>;

/** `pods "web" not found`, `daemonsets.apps "nc" not found`. */
const qualified = (r: Named) => (r.group ? `${r.plural}.${r.group}` : r.plural);

export function notFound(r: Named, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(r)} "${name}" not found`, detailsOf(r, name));
}

export function alreadyExists(r: Named, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(r)} "${name}" already exists`, detailsOf(r, name));
}

export function conflict(r: Named, name: string, message: string, causes?: StatusCause[]): ApiError {
  const text = `Operation cannot be fulfilled on ${qualified(r)} "${name}": ${message}`;
  return new ApiError(409, 'Conflict', text, { ...detailsOf(r, name), ...(causes ? { causes } : {}) });
}

export function forbidden(r: Named, name: string, message: string): ApiError {
  return new ApiError(403, 'Forbidden', `${qualified(r)} "${name}" is forbidden: ${message}`, detailsOf(r, name));
}

/** 422: the object is understood and not acceptable, with one cause for each field. */
export function invalid(r: Pick<Resource, 'group' | 'kind'>, name: string, causes: StatusCause[]): ApiError {
  const whole = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const reasons = whole.length === 1 ? whole[0] : `[${whole.join(', ')}]`;
  const kind = r.group ? `${r.kind}.${r.group}` : r.kind;
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${reasons}`, {
    name,
    ...(r.group ? { group: r.group } : {}),
    kind: r.kind,
    causes,
  });
}

export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message);
}

/** Turns a refusal of the store into one for the client. */
export function fromStoreError(error: StoreError, r: Named, name: string): ApiError {
  if (error.reason === 'NotFound') return notFound(r, name);
  if (error.reason === 'AlreadyExists') return alreadyExists(r, name);
  if (error.reason === 'Expired') return expired(error.message);
  return conflict(r, name, error.message);
}

function detailsOf(r: Named, name: string): StatusDetails {
  return { name, ...(r.group ? { group: r.group } : {}), kind: r.plural };
}
