import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALICO_SCHEME } from '../../src/cni/calico/scheme.ts';
import { findRoute } from '../../src/kube-api/router.ts';
import { type Route, routes } from '../../src/kube-api/routes.ts';
import { addToScheme } from '../../src/kube-api/scheme.ts';
import { type ApiLab, startApiLab } from './support/api-lab.ts';

addToScheme(CALICO_SCHEME);
const ROUTES = routes();

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(async () => {
  await lab.close();
  expect(lab.logged).toEqual([]);
});

const filledIn = ({ path }: Route) => path.replace('{namespace}', 'default').replace('{name}', 'worker');

describe('the routes', () => {
  it('four of them answer without the token, and no other', () => {
    const open = ROUTES.filter((route) => route.open).map((route) => route.path);
    expect(open.sort()).toEqual(['/healthz', '/livez', '/readyz', '/version']);
  });

  it('the others refuse whoever brings no token, whatever the method, and an upgrade too', async () => {
    const before = lab.store.version;
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
    for (const route of ROUTES) {
      const path = filledIn(route);
      for (const method of METHODS) {
        const { status } = await lab.fetch(path, { method, token: null });
        if (route.open) expect(status).toBeLessThan(500);
        else expect(status, `${method} ${path}`).toBe(401);
      }
      const upgraded = await lab.fetch(`${path}?command=sh&stdout=true`, { token: null, headers: upgrade });
      expect(upgraded.status, path).toBe(401);
    }
    expect(lab.store.version).toBe(before);
    expect(lab.runtime.commands).toEqual([]);
  });

  it('each is found by its own path', () => {
    for (const route of ROUTES) {
      const found = findRoute(filledIn(route));
      expect(found?.route.path).toBe(route.path);
      expect(found?.namespace).toBe(route.path.includes('{namespace}') ? 'default' : undefined);
      expect(found?.name).toBe(route.path.includes('{name}') ? 'worker' : undefined);
    }
  });

  it('finds nothing for what it does not serve', async () => {
    const unknown = ['/', '/api/v1/pods/worker', '/api/v1/namespaces/default/nodes', '/apis/apps/v2/deployments'];
    for (const path of [...unknown, '/api/v1/nodes/worker/exec/more', '/api/v1/constructor', '/api/v1/nodes/%zz']) {
      expect(findRoute(path), path).toBeUndefined();
      expect((await lab.fetch(path)).status).toBe(404);
    }
  });

  it('deletes nothing over all namespaces', async () => {
    expect((await lab.fetch('/api/v1/pods', { method: 'DELETE' })).status).toBe(405);
  });
});
