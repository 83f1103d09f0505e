import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const execute = promisify(execFile);

export interface RealTraffic {
  /** Holds ethernet.pcap, sll.pcap and sll2.pcap. */
  readonly folder: string;
  readonly publicKeys: Uint8Array[];
  remove(): Promise<void>;
}

/** Makes real traffic in network namespaces and captures it: see real-traffic.sh. Leaves only the folder, until `remove`. */
export async function makeRealTraffic(): Promise<RealTraffic> {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-wire-'));
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps'];
  const namespaces = [...asUser, '--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const script = join(import.meta.dirname, 'real-traffic.sh');
  const remove = () => rm(folder, { recursive: true });
  try {
    // unshare ignores SIGTERM while it waits; killed, it takes all of its pid namespace along.
    await execute('unshare', [...namespaces, 'bash', script, folder], { timeout: 30_000, killSignal: 'SIGKILL' });
  } catch (error) {
    await remove();
    throw error;
  }
  const publicKeys = await Promise.all(
    ['a.pub', 'b.pub'].map(async (name) => Buffer.from(await readFile(join(folder, name), 'utf8'), 'base64')),
  );
  return { folder, publicKeys, remove };
}
