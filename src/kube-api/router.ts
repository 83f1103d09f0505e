import { type Route, routes } from './routes.ts';

/** A route, and what the client filled in. */
export interface Found {
  readonly route: Route;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

interface Junction {
  route?: Route;
  readonly exact: Map<string, Junction>;
  /** The way on for a `{parameter}`. */
  any?: Junction;
}

let start: Junction | undefined;

/** Returns the root of the routes' tree, which is built at the first request: by then all kinds are known. */
function root(): Junction {
  start ??= treeOf(routes());
  return start;
}

function treeOf(all: readonly Route[]): Junction {
  const top: Junction = { exact: new Map() };
  for (const route of all) {
    let at = top;
    for (const segment of segmentsOf(route.path)) {
      const next = nextOf(at, segment) ?? { exact: new Map() };
      if (isParameter(segment)) at.any = next;
      else at.exact.set(segment, next);
      at = next;
    }
    at.route = route;
  }
  return top;
}

function nextOf(at: Junction, segment: string): Junction | undefined {
  return isParameter(segment) ? at.any : at.exact.get(segment);
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}

/** Finds the route of a path; undefined if there is none. */
export function findRoute(pathname: string): Found | undefined {
  let at: Junction | undefined = root();
  const filledIn: string[] = [];
  for (const segment of segmentsOf(pathname)) {
    const text = decoded(segment);
    if (text === undefined) return undefined;
    const exact: Junction | undefined = at.exact.get(text);
    if (!exact) filledIn.push(text);
    at = exact ?? at.any;
    if (!at) return undefined;
  }
  const { route } = at;
  if (!route) return undefined;
  const parameters = segmentsOf(route.path).filter(isParameter);
  const filled = (parameter: string) => filledIn[parameters.indexOf(parameter)];
  return { route, namespace: filled('{namespace}'), name: filled('{name}') };
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter(Boolean);
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // a malformed escape sequence: there is no such path
  }
}
