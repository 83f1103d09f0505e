import { ApiError, type Connection } from './connection.ts';

/** The server has no such kind. */
export class UnknownKind extends Error {
  constructor(apiVersion: string, kind: string) {
    super(`the server has no kind ${kind} in ${apiVersion}`);
    this.name = 'UnknownKind';
  }
}

interface Resource {
  /** The plural that stands in paths; `pods/log` and the like are parts of a resource. */
  name: string;
  kind: string;
  namespaced: boolean;
}

interface Reference {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** Finds where objects are on a server, by their kind. It asks once a group; its methods throw UnknownKind if there is no such kind. */
export class Discovery {
  readonly #connection: Connection;
  readonly #groups = new Map<string, Promise<Resource[]>>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Returns the path of all objects of a kind, or of those of one namespace. */
  async listPath(apiVersion: string, kind: string, namespace?: string): Promise<string> {
    const { name, namespaced } = await this.#resource(apiVersion, kind);
    return `${groupPath(apiVersion)}${namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${name}`;
  }

  /** Returns the path at which an object like this is created. */
  collectionPath({ apiVersion, kind, metadata }: Reference): Promise<string> {
    return this.listPath(apiVersion, kind, metadata.namespace ?? 'default');
  }

  /** Returns whether objects of a kind are in namespaces. */
  async isNamespaced(apiVersion: string, kind: string): Promise<boolean> {
    return (await this.#resource(apiVersion, kind)).namespaced;
  }

  async objectPath(reference: Reference): Promise<string> {
    return `${await this.collectionPath(reference)}/${encodeURIComponent(reference.metadata.name)}`;
  }

  /** Returns whether the server has a kind. */
  async serves(apiVersion: string, kind: string): Promise<boolean> {
    try {
      return (await this.#resource(apiVersion, kind)) !== undefined;
    } catch (error) {
      if (error instanceof UnknownKind) return false;
      throw error;
    }
  }

  async #resource(apiVersion: string, kind: string): Promise<Resource> {
    const known = this.#groups.get(apiVersion);
    // A kind that is not there yet may come, with its CustomResourceDefinition: what was not found is asked for again.
    const found = (known && find(await known, kind)) ?? find(await this.#ask(apiVersion), kind);
    if (!found) throw new UnknownKind(apiVersion, kind);
    return found;
  }

  #ask(apiVersion: string): Promise<Resource[]> {
    const asked = this.#connection.ask<{ resources: Resource[] }>(groupPath(apiVersion)).then(
      ({ resources }) => resources,
      (error) => {
        this.#groups.delete(apiVersion);
        if (error instanceof ApiError && error.code === 404) return [];
        throw error;
      },
    );
    this.#groups.set(apiVersion, asked);
    return asked;
  }
}

function find(resources: readonly Resource[], kind: string): Resource | undefined {
  return resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
