import { execa } from 'execa';

/**
 * A tcpdump to stand first in the PATH of a lab: it is the real one until there is a file ADDRESS.sh in `folder`, for the node
 * with that address. The lines in it run instead, with `$real` (the real one), `$tools` (the folder) and `"$@"` (its arguments).
 */
export async function fakeTcpdump(folder: string): Promise<string> {
  const { stdout: real } = await execa('sh', ['-c', 'command -v tcpdump']);
  return `#!/bin/bash
real=${real}
tools=${folder}
[ "$1" = --version ] && exec "$real" "$@"
address=$(ip -4 -o address show dev eth0 | sed 's,.* inet \\([0-9.]*\\)/.*,\\1,')
behaviour=$tools/$address.sh
[ -e "$behaviour" ] && . "$behaviour"
exec "$real" "$@"
`;
}

/** Ends at once, as where it may not capture. */
export const ENDS_AT_ONCE = `echo "tcpdump: eth0: You don't have permission to capture on that device" >&2; exit 1`;

/** Ends properly, but after the first packets. */
export const ENDS_HALF_WAY = 'exec "$real" -c 5 "$@"';

/** Does what the lines of `meanwhile` say, once it listens, and goes on. $victim is the number of its process. */
function listening(meanwhile: string, options = ''): string {
  return `said=$tools/said.$$
victim=$$
{ until grep -qs 'listening on' "$said" || ! kill -0 "$victim"; do :; done
  ${meanwhile}
} > /dev/null 2>&1 < /dev/null &
exec "$real" "$@" ${options} 2> >(tee "$said" >&2)`;
}

/** Is killed after it saw a few packets (the out-of-memory killer's way). */
export const KILLED_HALF_WAY = listening(`sent() { awk '$1 == "eth0:" { print $11 }' /proc/self/net/dev; }
  before=$(sent)
  until [ "$(sent)" -ge $((before + 8)) ] || ! kill -0 "$victim"; do :; done
  kill -9 "$victim"`);

/** Captures on another interface than the one it was asked for. */
const onInterface = (name: string) => `exec "$real" "\${@/eth0/${name}}"`;
export const ON_LOOPBACK = onInterface('lo');
export const ON_VXLAN = onInterface('vxlan.calico');
/** Captures on an interface where everything is readable by design: the wrong place, too. */
export const ON_WIREGUARD = onInterface('wireguard.cali');

/** Says at its end that packets were dropped. */
export const SAYS_DROPPED = `exec "$real" "$@" 2> >(sed -u 's/^0 packets dropped/3 packets dropped/' >&2)`;

/** Really drops: its buffer holds few packets, and it stands still while a hundred go by. */
export const DROPS = listening(
  `kill -STOP "$victim"
  for i in {1..100}; do echo > /dev/udp/172.18.0.2/7; done
  kill -CONT "$victim"`,
  '-B 8',
);

/** Keeps only the headers. */
export const CUTS_SHORT = `exec "$real" "\${@/#0/96}"`;

/** Captures only what its filter lets through, which is never plaintext. */
export const FILTERS = 'exec "$real" "$@" and "( udp port 51820 or udp port 9 )"';
