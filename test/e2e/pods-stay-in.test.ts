import { chmodSync, existsSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/until.ts';
import { Home, homeOfUser } from './support/wglab.ts';

const TUN = '/dev/net/tun';
const UID = 61_235;
const OUTSIDE = `/tmp/wglab-outside-${process.pid}`;

/** One pod of busybox and one of the machine's own tools, with volumes in which an earlier container left symbolic links. */
const PODS = `
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  restartPolicy: Never
  initContainers:
  - name: plant
    image: busybox
    command: [sh, -c, "ln -s / /data/root; ln -s ../../../../../../../.. /data/up; ln -s /.old /data/old"]
    volumeMounts: [{name: data, mountPath: /data}]
  containers:
  - name: box
    image: busybox
    command: [sleep, "3600"]
    env: [{name: LD_PRELOAD, value: /no/such/library.so}, {name: ODD, value: "a'b\\n$(HOME)"}]
    volumeMounts:
    - {name: data, mountPath: /data}
    - {name: data, mountPath: /data/root${OUTSIDE}-1}
    - {name: data, mountPath: /data/up${OUTSIDE}-2}
    - {name: data, mountPath: /data/old${OUTSIDE}-3}
    - {name: map, mountPath: /etc/map}
  volumes: [{name: data, emptyDir: {}}, {name: map, configMap: {name: map}}]
---
apiVersion: v1
kind: Pod
metadata: {name: tools}
spec:
  restartPolicy: Never
  containers:
  - {name: tools, image: wglab/host-tools, command: [sleep, "3600"]}
---
apiVersion: v1
kind: Pod
metadata: {name: link}
spec:
  restartPolicy: Never
  initContainers:
  - name: plant
    image: busybox
    command: [sh, -c, "ln -s ../../../../../../../../.. /data/out"]
    volumeMounts: [{name: data, mountPath: /data}]
  containers:
  - {name: link, image: busybox, command: [ls, /out], volumeMounts: [{name: data, mountPath: /out, subPath: out}]}
  volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: map}
data: {a: "1"}
`;

const users = [
  { name: 'root', as: () => new Home() },
  { name: 'an ordinary user', as: () => homeOfUser(UID) },
];

describe.skipIf(process.getuid?.() !== 0).each(users)('a pod of $name', ({ as }) => {
  let home: Home;
  let mode: number;
  const service = createServer((_, response) => response.end('a service of the machine'));

  const kubectl = (args: readonly string[], input = '') =>
    execa('kubectl', ['--kubeconfig', join(home.folder, 'wireguard', 'kubeconfig'), ...args], { input, reject: false });
  const sh = async (pod: string, script: string) => {
    const { exitCode, stdout, stderr } = await kubectl(['exec', pod, '-c', pod, '--', 'sh', '-c', script]);
    return { status: exitCode, said: `${stdout}${stderr}` };
  };

  beforeAll(async () => {
    mode = statSync(TUN).mode & 0o777;
    if (mode !== 0o666) chmodSync(TUN, 0o666);
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    home = as();
    await home.expects(0, ['deploy', '--engine', 'embedded']);
    const applied = await kubectl(['apply', '-f', '-'], PODS);
    expect(applied.exitCode, applied.stderr).toBe(0);
    const ready = await kubectl(['wait', '--for=condition=Ready', 'pod/box', 'pod/tools', '--timeout=30s']);
    const { stdout } = await kubectl(['get', 'pods', '-o', 'yaml']);
    expect(ready.exitCode, `${ready.stderr}\n${stdout}`).toBe(0);
  });

  afterAll(async () => {
    service.close();
    await home.dispose();
    if (home.folder.includes('wglab-e2e-user-')) rmSync(dirname(home.folder), { recursive: true, force: true });
    if (mode !== 0o666) chmodSync(TUN, mode);
  });

  it('cannot leave its root by chroot', async () => {
    const breakout = `perl -e 'mkdir "/tmp/j"; chroot "/tmp/j" or die "chroot: $!"; chdir ".." for 1..99; chroot "."; print -e "work" ? "out" : "in"'`;
    expect((await sh('tools', breakout)).said).toMatch(/chroot: Operation not permitted/);
    expect((await sh('box', 'mkdir -p /tmp/j; chroot /tmp/j true')).said).toMatch(/Operation not permitted/);
    expect((await sh('box', 'cat /proc/1/root/etc/shadow /../../../etc/shadow')).status).not.toBe(0);
  });

  it('makes no devices, and none works that it could bring along', async () => {
    expect((await sh('box', 'mknod /tmp/disk b 8 0')).said).toMatch(/Operation not permitted/);
    expect((await sh('box', 'mount | grep " / "')).said).toMatch(/nodev/);
  });

  it('mounts nothing, and cannot make anything writable again', async () => {
    for (const attempt of [
      'mount -t tmpfs none /tmp',
      'mount -o bind /etc /tmp',
      'mount -o remount,rw /proc',
      'umount /proc',
    ]) {
      expect((await sh('box', attempt)).said, attempt).toMatch(
        /permission denied|Operation not permitted|not permitted/i,
      );
    }
    expect((await sh('box', 'touch /bin/x /dev/x /etc/map/x')).said).toMatch(/(Read-only file system[\s\S]*){3}/);
  });

  it('sees no process but its own, and can trace or kill no other', async () => {
    const { said } = await sh('box', 'cat /proc/[0-9]*/cmdline');
    expect(said).toContain('sleep');
    expect(said).not.toMatch(/embedded-engine|unshare|nsenter|vitest/);
    const [engine = 0] = home.engine();
    expect((await sh('box', `kill -9 ${engine}`)).said).toMatch(/No such process/);
    const trace = `perl -e 'print syscall(101, 16, ${engine}, 0, 0), " $!"'`;
    if (process.arch === 'x64')
      expect((await sh('tools', trace)).said).toMatch(/^-1 (No such process|Operation not permitted)/);
    expect(home.engine()).toEqual([engine]);
  });

  it('changes nothing of the kernel through /proc', async () => {
    for (const file of ['sysrq-trigger', 'sys/kernel/core_pattern', 'sys/net/ipv4/ip_forward', 'self/uid_map']) {
      const { status, said } = await sh('box', `echo x > /proc/${file}`);
      expect(status, `${file}: ${said}`).not.toBe(0);
    }
    expect((await sh('box', 'cat /proc/kcore | head -c 1')).said).toMatch(/not permitted|No such file|denied/);
  });

  it('has few capabilities, and can get no others', async () => {
    const { said } = await sh('box', 'cat /proc/self/status');
    const capabilities = (set: string) => BigInt(`0x${new RegExp(`${set}:\\s*([0-9a-f]+)`).exec(said)?.[1]}`);
    const [sysChroot, sysPtrace, sysAdmin, mknod] = [18n, 19n, 21n, 27n];
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapInh', 'CapAmb']) {
      for (const one of [sysChroot, sysPtrace, sysAdmin, mknod]) expect((capabilities(set) >> one) & 1n, set).toBe(0n);
    }
    expect(said).toMatch(/NoNewPrivs:\s*1/);
  });

  it('does not read the state of the lab, nor the secrets of the machine', async () => {
    for (const path of [home.folder, join(home.folder, 'wireguard', 'kubeconfig'), '/etc/shadow', '/run/wglab']) {
      for (const pod of ['box', 'tools']) expect((await sh(pod, `cat ${path} || ls ${path}`)).status, path).not.toBe(0);
    }
  });

  it('does not reach what listens on the loopback of the machine', async () => {
    const { port } = service.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('a service of the machine');
    const wire = (await sh('box', "ip route | sed -n 's/.*via \\([0-9.]*\\).*/\\1/p'")).said
      .split('\n')
      .filter(Boolean);
    for (const address of ['127.0.0.1', '172.18.0.1', '172.18.0.2', ...wire]) {
      const { status, said } = await sh('box', `wget -q -T 2 -O - http://${address}:${port}`);
      expect(status, address).not.toBe(0);
      expect(said).not.toContain('a service of the machine');
    }
  });

  it('is not led out of its volumes by symbolic links', async () => {
    for (const suffix of ['-1', '-2', '-3']) expect(existsSync(`${OUTSIDE}${suffix}`)).toBe(false);
    const reason = '{.status.containerStatuses[0].state.waiting.message}';
    await until('the pod with a link as subPath to be refused', async () => {
      const { stdout } = await kubectl(['get', 'pod', 'link', '-o', `jsonpath=${reason}`]);
      return stdout.includes('failed to prepare subPath for volumeMount "data" of container "link"');
    });
  });

  it('has its own variables, which no program of the machine obeys', async () => {
    const { said } = await sh('box', 'echo "$LD_PRELOAD|$ODD"');
    expect(said).toBe("/no/such/library.so|a'b\n$(HOME)");
    expect((await kubectl(['logs', 'box', '-c', 'box'])).stdout).toBe('');
  });

  it('ends with 128 and the number of the signal that ended it', async () => {
    const statuses = { SEGV: 139, ABRT: 134, TERM: 143, KILL: 137, BUS: 135, USR1: 138 };
    for (const [signal, status] of Object.entries(statuses)) {
      expect((await sh('box', `kill -${signal} $$`)).status, signal).toBe(status);
    }
  });
});
