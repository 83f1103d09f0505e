import { ROUTES, type Route } from './routes.ts';

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

const START: Junction = { exact: new Map() };
for (const route of ROUTES) {
  let at = START;
  for (const segment of segmentsOf(route.path)) {
    const next = nextOf(at, segment) ?? { exact: new Map() };
    if (isParameter(segment)) at.any = next;
    else at.exact.set(segment, next);
    at = next;
  }
  at.route = route;
}

function nextOf(at: Junction, segment: string): Junction | undefined {
  return isParameter(segment) ? at.any : at.exact.get(segment);
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}

/** Finds the route of a path; undefined if there is none. */
export function findRoute(pathname: string): Found | undefined {
  let at: Junction | undefined = START;
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
