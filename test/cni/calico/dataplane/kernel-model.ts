import { createHash } from 'node:crypto';
import type {
  BatchTool,
  ChangeStep,
  LinkState,
  NodeState,
  RouteState,
} from '../../../../src/cni/calico/dataplane/types.ts';

/**
 * A model of what the kernel makes of a plan, for property tests: it refuses what the kernel refuses (a route over a
 * device that is missing or down, a second rule of the same kind, removing what is not there), and does what the kernel
 * does besides (a device takes its routes along; so does the last address of a device).
 */
export function applied(state: NodeState, steps: readonly ChangeStep[]): NodeState {
  const next = structuredClone(state);
  for (const step of steps) {
    if (step.kind === 'batch') for (const line of step.lines) runLine(next, step.tool, line);
    if (step.kind === 'sysctl') {
      for (const { path, value } of step.writes) next.sysctls[path] = value;
    }
    if (step.kind === 'createWireguard') {
      expectAbsent(next, step.name);
      next.links.push({ name: step.name, type: 'wireguard', mtu: 1420, up: false });
      const publicKey = createHash('sha256').update(step.name).digest('base64');
      next.wireguard.push({ name: step.name, listenPort: 0, mark: 0, peers: [], publicKey });
    }
    if (step.kind === 'removeWireguard') removeDevice(next, step.name);
    if (step.kind === 'wgSet') wgSet(next, step.arguments);
  }
  return next;
}

/** A state as the kernel would show it, in one order, without what the plan does not decide. */
export function comparable(state: NodeState): unknown {
  const sorted = (values: unknown[]) => values.map((value) => JSON.stringify(value, keysInOrder)).sort();
  return {
    links: sorted(state.links.filter((link) => link.type !== 'veth')),
    addresses: sorted(state.addresses),
    routes: sorted(state.routes),
    rules: sorted(state.rules),
    neighbours: sorted(state.neighbours),
    fdb: sorted(state.fdb),
    wireguard: sorted(
      state.wireguard.map(({ name, listenPort, mark, peers }) => ({
        name,
        listenPort,
        mark,
        peers: sorted(peers.map((peer) => ({ ...peer, allowedIPs: [...peer.allowedIPs].sort() }))),
      })),
    ),
  };
}

function keysInOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function runLine(state: NodeState, tool: BatchTool, line: string): void {
  const [object, verb, ...rest] = line.split(' ');
  const after = (name: string) => {
    const at = rest.indexOf(name);
    return at < 0 ? undefined : rest[at + 1];
  };
  const refuse = (why: string): never => {
    throw new Error(`the kernel refuses "${tool} ${line}": ${why}`);
  };
  const device = () => after('dev') ?? refuse('no device');
  const link = (name: string): LinkState =>
    state.links.find((link) => link.name === name) ?? refuse(`no device ${name}`);

  if (tool === 'ip' && object === 'link' && verb === 'add') {
    const name = after('name') ?? refuse('no name');
    expectAbsent(state, name);
    state.links.push({
      name,
      type: 'vxlan',
      mtu: Number(after('mtu')),
      mac: after('address'),
      up: false,
      vxlan: {
        vni: Number(after('id')),
        port: Number(after('dstport')),
        local: after('local') ?? '',
        parent: after('dev') ?? '',
      },
    });
  } else if (object === 'link' && verb === 'set') {
    const target = link(device());
    if (rest.includes('up')) target.up = true;
    if (rest.includes('mtu')) target.mtu = Number(after('mtu'));
  } else if (object === 'link' && verb === 'delete') {
    link(device());
    removeDevice(state, device());
  } else if (object === 'address') {
    link(device());
    const [address = '', prefixLength] = (rest[0] ?? '').split('/');
    const same = (other: { device: string; address: string }) => other.device === device() && other.address === address;
    if (verb === 'add') {
      if (state.addresses.some(same)) refuse('File exists');
      state.addresses.push({ device: device(), address, prefixLength: Number(prefixLength) });
    } else {
      if (!state.addresses.some(same)) refuse('Cannot assign requested address');
      state.addresses = state.addresses.filter((other) => !same(other));
      if (!state.addresses.some((other) => other.device === device())) {
        state.routes = state.routes.filter((route) => route.device !== device());
      }
    }
  } else if (object === 'route') {
    const route = routeOf(rest);
    // The uplink is not Felix' and always there.
    if (route.device !== undefined && route.device !== 'eth0' && !link(route.device).up) refuse('Network is down');
    const same = (other: RouteState) =>
      other.table === route.table && other.destination === route.destination && other.metric === route.metric;
    const found = state.routes.find(same);
    if (verb === 'del' && (!found || found.type !== route.type || found.device !== route.device))
      refuse('No such process');
    state.routes = state.routes.filter((other) => !same(other));
    if (verb === 'replace') state.routes.push(route);
  } else if (object === 'rule') {
    const priority = Number(after('pref'));
    const table = Number(after('lookup'));
    const [mark = '0', mask = '0'] = (after('fwmark') ?? '').split('/');
    const family = tool === 'ip -6' ? { family: 6 as const } : {};
    const rule = { ...family, priority, table, not: rest.includes('not'), mark: Number(mark), mask: Number(mask) };
    if (verb === 'add') {
      if (
        state.rules.some((other) => JSON.stringify(keysInOrder('', other)) === JSON.stringify(keysInOrder('', rule)))
      ) {
        refuse('File exists');
      }
      state.rules.push(rule);
    } else {
      const at = state.rules.findIndex(
        (other) => other.priority === priority && other.table === table && other.family === rule.family,
      );
      if (at < 0) refuse('No such file or directory');
      state.rules.splice(at, 1);
    }
  } else if (object === 'neighbour') {
    link(device());
    const address = rest[0] ?? '';
    const others = state.neighbours.filter((other) => other.address !== address || other.device !== device());
    if (verb === 'del' && others.length === state.neighbours.length) refuse('No such file or directory');
    state.neighbours = others;
    if (verb === 'replace') state.neighbours.push({ device: device(), address, mac: after('lladdr') ?? '' });
  } else if (tool === 'bridge' && object === 'fdb') {
    link(device());
    const entry = { device: device(), mac: rest[0] ?? '', destination: after('dst') ?? '' };
    const others = state.fdb.filter((other) => other.mac !== entry.mac || other.destination !== entry.destination);
    if (verb === 'del' && others.length === state.fdb.length) refuse('No such file or directory');
    if (verb === 'replace' && others.some((other) => other.mac === entry.mac)) refuse('two places for one MAC');
    state.fdb = verb === 'replace' ? [...others, entry] : others;
  } else {
    refuse('unknown line');
  }
}

function routeOf(words: string[]): RouteState {
  const after = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const [type, destination = ''] = words;
  const mtu = after('mtu');
  const via = after('via');
  const device = after('dev');
  return {
    table: Number(after('table')),
    destination,
    type: type === 'throw' || type === 'blackhole' ? type : 'unicast',
    scope: after('scope') === 'link' ? 'link' : 'universe',
    protocol: Number(after('proto')),
    metric: Number(after('metric') ?? (destination.includes(':') ? 1024 : 0)),
    onlink: words.includes('onlink'),
    ...(via ? { via } : {}),
    ...(device ? { device } : {}),
    ...(mtu ? { mtu: Number(mtu) } : {}),
  };
}

function wgSet(state: NodeState, words: readonly string[]): void {
  const [name, ...rest] = words;
  const device = state.wireguard.find((device) => device.name === name);
  if (!device) throw new Error(`wg set: no device ${name}`);
  let peer = device.peers[0];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === 'remove') {
      device.peers = device.peers.filter((other) => other !== peer);
      continue;
    }
    const value = rest.shift();
    if (value === undefined) throw new Error(`wg set: no value for ${word}`);
    if (word === 'listen-port') device.listenPort = Number(value);
    else if (word === 'fwmark') device.mark = Number(value);
    else if (word === 'peer') {
      peer = device.peers.find((other) => other.publicKey === value);
      if (!peer) {
        peer = { publicKey: value, allowedIPs: [], keepalive: 0 };
        device.peers.push(peer);
      }
    } else if (peer && word === 'endpoint') peer.endpoint = value;
    else if (peer && word === 'persistent-keepalive') peer.keepalive = Number(value);
    else if (peer && word === 'allowed-ips') {
      const moved = value === '' ? [] : value.split(',');
      // An allowed IP that another peer has moves.
      for (const other of device.peers) other.allowedIPs = other.allowedIPs.filter((cidr) => !moved.includes(cidr));
      peer.allowedIPs = moved;
    } else throw new Error(`wg set: what is ${word}?`);
  }
}

function removeDevice(state: NodeState, name: string): void {
  const onOthers = (entry: { device?: string | undefined }) => entry.device !== name;
  state.links = state.links.filter((link) => link.name !== name);
  state.addresses = state.addresses.filter(onOthers);
  state.routes = state.routes.filter(onOthers);
  state.neighbours = state.neighbours.filter(onOthers);
  state.fdb = state.fdb.filter(onOthers);
  state.wireguard = state.wireguard.filter((device) => device.name !== name);
  state.sysctls = Object.fromEntries(Object.entries(state.sysctls).filter(([path]) => !path.includes(`/${name}/`)));
}

function expectAbsent(state: NodeState, name: string): void {
  if (state.links.some((link) => link.name === name)) throw new Error(`device ${name} exists`);
}
