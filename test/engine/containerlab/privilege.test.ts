import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Privilege, privilegeFor } from '../../../src/engine/containerlab/tool.ts';

let folder: string;
let containerlab: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wglab-privilege-'));
  containerlab = join(folder, 'containerlab');
  writeFileSync(containerlab, '');
  vi.stubEnv('PATH', folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

interface Case {
  as: string;
  user: number;
  suid?: boolean;
  owner?: number;
  /** Whether there is a group clab_admins. */
  group?: boolean;
  groups?: string;
  sudo?: boolean;
  gets: Privilege | undefined;
}

// After containerlab's utils/sudo.go and utils/userauth.go: SUID since 0.63; where there is a group clab_admins, its members alone.
const cases: Case[] = [
  { as: 'root', user: 0, gets: 'root' },
  { as: 'a user of a SUID program, without a group', user: 1000, suid: true, gets: 'suid' },
  { as: 'a member of the group', user: 1000, suid: true, group: true, groups: 'me clab_admins docker', gets: 'suid' },
  { as: 'no member, with sudo', user: 1000, suid: true, group: true, groups: 'me docker', sudo: true, gets: 'sudo' },
  { as: 'no member, without sudo', user: 1000, suid: true, group: true, groups: 'me', gets: undefined },
  { as: "a user of a SUID program that is not root's", user: 1000, suid: true, owner: 1000, sudo: true, gets: 'sudo' },
  { as: 'a user without SUID, with sudo', user: 1000, sudo: true, gets: 'sudo' },
  { as: 'a user without SUID and sudo', user: 1000, gets: undefined },
];

describe.runIf(process.getuid?.() === 0)('containerlab gets to be root', () => {
  test.each(cases)('for $as: $gets', async ({ user, suid, owner = 0, group, groups = 'me', sudo, gets }) => {
    chownSync(containerlab, owner, 0);
    chmodSync(containerlab, suid ? 0o4755 : 0o755);
    program('getent', group ? 'echo clab_admins:x:999:' : 'exit 2');
    program('id', `echo ${groups}`);
    if (sudo) program('sudo', 'exit 1');
    vi.spyOn(process, 'getuid').mockReturnValue(user);
    expect(await privilegeFor(containerlab)).toBe(gets);
  });
});
