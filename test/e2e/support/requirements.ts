import { accessSync, constants } from 'node:fs';
import { execaSync } from 'execa';

/** Why faults cannot be brought into embedded labs on this machine, or undefined where they can. */
export function whyNoFaults(): string | undefined {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/net/tun cannot be opened';
  }
  for (const tool of ['ip', 'tcpdump', 'wg', 'nft', 'iptables', 'tc', 'perl', 'kubectl', 'bash']) {
    if (!works('sh', '-c', `command -v ${tool}`)) return `there is no ${tool} here`;
  }
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  if (!works('unshare', ...user, '--net', 'true')) return 'namespaces cannot be made here';
  return undefined;
}

/** Whether rules can be made in a network namespace of its own, by `script`. */
export function kernelHas(script: string): boolean {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return works('unshare', ...user, '--net', 'sh', '-ec', `ip link add v0 type veth peer name v1; ${script}`);
}

function works(program: string, ...args: string[]): boolean {
  return execaSync(program, args, { reject: false, stdio: 'ignore' }).exitCode === 0;
}
