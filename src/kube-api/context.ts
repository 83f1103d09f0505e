import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeObject } from '../kube/object.ts';
import type { Remains } from './remains.ts';
import type { Resource } from './resources.ts';
import type { PodRuntime } from './runtime.ts';
import type { JsonObject } from './schema/json.ts';
import type { Store } from './store.ts';

/** Everything that handlers work on. */
export interface Api {
  store: Store;
  runtime: PodRuntime;
  /** Objects that were deleted with their namespace. */
  remains: Remains;
  /** Logs errors that should not happen; clients see a plain 500. */
  log(message: string, error?: unknown): void;
}

/** One request for a kind, an object or a subresource. */
export interface Call {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  api: Api;
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  /** Become `Warning` headers, which kubectl prints. */
  warnings: string[];
}

/** An answer with a body; handlers that stream write to the response themselves and give undefined. */
export interface Reply {
  code: number;
  body: JsonObject;
}

/** An object as a group serves it, whichever of its groups it is stored under. */
export function present(object: KubeObject, resource: Resource): KubeObject {
  return { ...object, apiVersion: resource.apiVersion, kind: resource.kind };
}

export function isDryRun(query: URLSearchParams): boolean {
  return query.getAll('dryRun').includes('All');
}
