import { spawn } from 'node:child_process';
import { labFailure, messageOf } from '../../errors.ts';
import { docker, isImageHere } from './docker.ts';
import { programPath } from './tool.ts';
import { ADD_WG, BASE_IMAGE, TOOLS_IMAGE, TRY } from './tools-image.ts';

/** The folder of the tools on a node, apart from what the node itself has. */
const FOLDER = '/opt/wglab';

const PACK_MS = 60_000;
const INSTALL_MS = 300_000;

/**
 * Makes tcpdump and wg be on all nodes, side by side: kind's node image has neither. What works without a network comes first:
 * copies of this machine's own tools with the libraries that they need; then those of the image that `wglab pull` has made; then a
 * helper container that shares the node's network and adds wg there, and the node's own package manager. Returns what was done, in words; undefined if nothing was missing.
 */
export async function ensureCaptureTools(
  containers: readonly string[],
  update: (text: string) => void,
): Promise<string | undefined> {
  const lacking = await Promise.all(containers.map(async (name) => ((await hasTools(name)) ? [] : [name])));
  const missing = lacking.flat();
  if (missing.length === 0) return undefined;
  const refusals: string[] = [];
  for (const { words, limitMs, install } of await ways()) {
    const before = refusals.at(-1);
    const last = before === undefined ? '' : ` (not ${before.split('\n')[0]})`;
    update(`getting them from ${words} for ${missing.join(', ')}, at most ${limitMs / 1000} s${last}`);
    try {
      await Promise.all(missing.map(install));
      return `tcpdump and wg came onto ${missing.length === 1 ? 'the node' : `${missing.length} nodes`} from ${words}`;
    } catch (error) {
      refusals.push(`from ${words}: ${messageOf(error)}`);
    }
  }
  throw labFailure(`tcpdump and wg cannot be brought onto the nodes ${missing.join(', ')}`, {
    detail: refusals.join('\n'),
    remedy: 'apt-get install tcpdump wireguard-tools on this machine, or wglab pull',
  });
}

interface Way {
  words: string;
  /** How long it may take. */
  limitMs: number;
  /** Throws where the node has no tools then that run. */
  install: (container: string) => Promise<void>;
}

async function ways(): Promise<Way[]> {
  const here = programPath('tcpdump') !== undefined && programPath('wg') !== undefined;
  const prepared = await isImageHere(TOOLS_IMAGE);
  const from = prepared ? TOOLS_IMAGE : BASE_IMAGE;
  const helper = prepared || (await isImageHere(BASE_IMAGE));
  let packed: Promise<Buffer> | undefined;
  const own: Way = {
    words: 'this machine',
    limitMs: PACK_MS,
    install: async (container) => {
      packed ??= output(['sh', '-c', PACK]);
      await unpack(container, await packed);
    },
  };
  const image: Way = {
    words: `a helper container of ${from}`,
    limitMs: PACK_MS,
    install: async (container) => {
      const run = ['docker', 'run', '--rm', '--net', `container:${container}`, '--entrypoint', 'sh', from];
      await unpack(container, await output([...run, '-c', `${ADD_WG}\n${PACK}`]));
    },
  };
  const packages: Way = {
    words: "the node's package manager",
    limitMs: INSTALL_MS,
    install: async (container) => {
      await docker(['exec', container, 'sh', '-c', APT], { timeoutMs: INSTALL_MS });
      await requireTools(container);
    },
  };
  return [...(here ? [own] : []), ...(helper ? [image] : []), packages, ...(helper ? [] : [image])];
}

/** tcpdump and wg with their loader and libraries as a tar; no -e: of the loader's names only one is there. */
const PACK = `PATH="$PATH:/usr/sbin:/sbin"
files=
for name in tcpdump wg; do
  tool=$(command -v "$name") || { echo "$name is missing" >&2; exit 1; }
  files="$files $tool"
  for loader in /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* /lib/ld-musl-*.so.*; do
    [ -e "$loader" ] || continue
    libraries=$("$loader" --list "$tool" 2> /dev/null | sed -n 's/^.*=> \\(\\/[^ ]*\\).*$/\\1/p')
    [ -n "$libraries" ] && files="$files $loader $libraries" && break
  done
done
exec tar -chf - -C / $(for file in $files; do echo "\${file#/}"; done | sort -u)`;

/**
 * Unpacks such a tar, and makes commands that start each tool with the loader it came with: the node's own may be older, or of
 * another kind. A tool without a loader is static.
 */
export const UNPACK = `set -e
mkdir -p "$1" /usr/local/bin
tar -xf - -C "$1"
loader=$(find "$1" -name 'ld-linux*' -o -name 'ld-musl*' | head -n 1)
libraries=$(find "$1" -name '*.so*' | sed 's|/[^/]*$||' | sort -u | tr '\\n' ':')
for name in tcpdump wg; do
  tool=$(find "$1" -name "$name" | head -n 1)
  run=$tool
  [ -z "$loader" ] || run="$loader --library-path $libraries $tool"
  # Debian's tcpdump becomes the user tcpdump, which a node does not have.
  [ "$name" != tcpdump ] || ! $run -Z root --version > /dev/null 2>&1 || run="$run -Z root"
  { echo '#!/bin/sh'; echo "exec $run \\"\\$@\\""; } > "/usr/local/bin/$name"
  chmod 755 "/usr/local/bin/$name"
done`;

const APT = `export DEBIAN_FRONTEND=noninteractive
command -v apt-get > /dev/null || { echo 'the node has no apt-get' >&2; exit 1; }
apt-get install -y --no-install-recommends tcpdump wireguard-tools ||
  { apt-get update && apt-get install -y --no-install-recommends tcpdump wireguard-tools; }`;

async function hasTools(container: string): Promise<boolean> {
  return requireTools(container).then(
    () => true,
    () => false, // whatever keeps them from running, others are brought
  );
}

async function requireTools(container: string): Promise<void> {
  await docker(['exec', container, 'sh', '-c', TRY], { timeoutMs: PACK_MS });
}

async function unpack(container: string, tar: Buffer): Promise<void> {
  await output(['docker', 'exec', '-i', container, 'sh', '-c', UNPACK, 'unpack', FOLDER], tar);
  await requireTools(container);
}

/** Returns what a command prints, as bytes. */
function output([command = '', ...rest]: readonly string[], input?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { stdio: 'pipe', timeout: PACK_MS });
    const chunks: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(chunks));
      else reject(new Error(Buffer.concat(errors).toString().trim() || `${command} ended with status ${status}`));
    });
    child.stdin.on('error', () => child.stdin.destroy()); // its status tells
    child.stdin.end(input);
  });
}
