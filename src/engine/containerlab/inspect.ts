import { runTool } from '../../process/tool.ts';
import { type Containerlab, quick } from './tool.ts';

/** A container as containerlab itself sees it. */
export interface Inspected {
  name: string;
  kind: string;
  state: string;
  /** Docker's words: `Up 4 seconds`, or `healthy`. */
  status: string;
}

/** Asks containerlab for the containers of a topology; returns its own words if it lists none. */
export async function inspectLab(
  { path }: Pick<Containerlab, 'path'>,
  topology: string,
): Promise<Inspected[] | { said: string }> {
  try {
    // It needs no root: every user of Docker may ask.
    return inspectedIn(await runTool([path, 'inspect', '--topo', topology, '--format', 'json'], '', quick()));
  } catch (error) {
    return { said: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Reads `inspect -f json`: since 0.68 an object of lists by lab, before that `{"containers": […]}`. What containerlab did not make is
 * listed under a lab of no name, `_unknown_lab_`, and of a kind cluster for a second time (cmd/inspect.go).
 */
export function inspectedIn(printed: string): Inspected[] {
  const labs: unknown = JSON.parse(printed);
  const rows = Object.values(labs ?? {}).flatMap((list: unknown) => (Array.isArray(list) ? list : []));
  const found = new Map<string, Inspected>();
  for (const row of rows as Record<string, unknown>[]) {
    const text = (key: string) => (typeof row[key] === 'string' ? row[key] : '');
    const name = text('name');
    if (name === '' || (found.has(name) && text('lab_name') === '')) continue;
    found.set(name, { name, kind: text('kind'), state: text('state'), status: text('status') });
  }
  return [...found.values()];
}
