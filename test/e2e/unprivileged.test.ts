import { chmodSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostChanges, hostSnapshot } from './support/host.ts';
import { until } from './support/until.ts';
import { type Home, homeOfUser } from './support/wglab.ts';

const TUN = '/dev/net/tun';
/** Nobody's. */
const UID = 61_234;

describe.skipIf(process.getuid?.() !== 0)('an ordinary user', () => {
  let home: Home;
  let mode: number;

  beforeAll(() => {
    mode = statSync(TUN).mode & 0o777;
    if (mode !== 0o666) chmodSync(TUN, 0o666);
    home = homeOfUser(UID);
  });

  afterAll(async () => {
    await home.dispose();
    rmSync(dirname(home.folder), { recursive: true, force: true });
    if (mode !== 0o666) chmodSync(TUN, mode);
  });

  it('goes through the whole cycle, and leaves the machine as it was', async () => {
    const before = hostSnapshot();
    await home.expects(0, ['deploy']);
    await home.expects(0, ['status']);
    const standing = home.census();
    expect(new Set(standing.processes.map(({ user }) => user))).toEqual(new Set([UID]));
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    await home.expects(0, ['encrypt', 'on']);
    await home.expects(0, ['verify', '--expect', 'encrypted']);
    const encrypted = home.census();
    await home.expects(0, ['encrypt', 'off']);
    await home.expects(0, ['verify', '--expect', 'plaintext']);
    await home.destroy();
    home.expectNothingLeft(standing);
    home.expectNothingLeft(encrypted);
    expect(hostChanges(before)).toEqual([]);
  });

  it('learns what to do if user namespaces are forbidden', async () => {
    const forbidden = homeOfUser(UID + 1, ['unshare', '--user', '--keep-caps', 'sh', '-c', WITHOUT_NAMESPACES, 'sh']);
    const deploy = forbidden.start(['deploy'], { stdio: ['pipe', 'pipe', 'pipe'] });
    await until('a user namespace', () => userNamespace(deploy.pid) !== userNamespace('self'));
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${deploy.pid}/${map}`, '0 0 65536\n');
    deploy.child.stdin?.end('go\n');
    const { status, stderr } = await deploy.ended;
    expect(status, stderr).toBe(4);
    expect(stderr).toMatch(/no user namespaces/);
    expect(stderr).toMatch(/try:.*max_user_namespaces/);
    forbidden.expectNothingLeft(forbidden.census());
    rmSync(dirname(forbidden.folder), { recursive: true, force: true });
  });
});

/** In a user namespace of its own, since the limit holds for everything within one: the rest of the machine keeps its own. */
const WITHOUT_NAMESPACES = 'read -r _; echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';

function userNamespace(pid: number | 'self'): string {
  return readlinkSync(`/proc/${pid}/ns/user`);
}
