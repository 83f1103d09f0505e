import { createInterface } from 'node:readline';
import { messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import { within } from './tap.ts';

/**
 * A shell in a pod that opens connections on order, one exec for all of a run. Orders come line by line:
 *   listen ID PORT HEX-PORT REPLY    wait for one connection, answer it, say what was heard
 *   connect ID ADDRESS PORT REQUEST  open one, send, say what was heard
 *   reach ID ADDRESS                 send a packet there, to a port where nobody listens
 * Markers travel on standard input, so that no process list shows them. What is sent is padded, so that a connection is more
 * than one small packet. busybox's and OpenBSD's nc both know these options; `-w` bounds every wait in seconds. Whether the
 * port is open is asked after a pause, and read line by line, listeners first, no further than needed: for the end of that list
 * the kernel searches its whole table of connections, which takes milliseconds on a large machine.
 * nc gets its input by a here-document, which stands ready before nc starts: from a pipe it may come after the other end's
 * message and end, on which busybox's nc leaves without having sent its own.
 */
const SESSION = `command -v nc > /dev/null || { echo 'no nc'; exit 127; }
pad=................................................................
pad=$pad$pad$pad$pad$pad$pad$pad$pad
listen() {
  heard=$(timeout 30 nc -l -p "$2" 2>&1 <<END
$4 $pad
END
  )
  echo "heard $1 \${heard%% *} \${#heard}"
}
connect() {
  heard=$(timeout 30 nc -w 5 "$2" "$3" 2>&1 <<END
$4 $pad
END
  )
  echo "heard $1 \${heard%% *} \${#heard}"
}
reach() {
  timeout 3 nc -w 1 "$2" 9 < /dev/null > /dev/null 2>&1
  echo "reached $1"
}
listens() {
  while read -r _ local _ state _; do
    case "$local $state" in *":$2 0A") return 0 ;; esac
  done < "$1"
  return 1
} 2> /dev/null
await() {
  tries=0
  until sleep 0.01 2> /dev/null || sleep 1; listens /proc/net/tcp6 "$2" || listens /proc/net/tcp "$2"; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || { echo "failed $1"; return; }
  done
  echo "listening $1"
}
echo ready
while read -r verb id a b c; do
  case $verb in
    listen) listen "$id" "$a" "$b" "$c" & await "$id" "$b" & ;;
    connect) connect "$id" "$a" "$b" "$c" & ;;
    reach) reach "$id" "$a" & ;;
  esac
done
wait`;

/** The bytes of one message: a marker, a space, the padding and the end of the line. */
export const MESSAGE_BYTES = 48 + 1 + 512 + 1;
const ANSWER_MS = 45_000;

/** What one end of a connection got: the other's marker, and how many bytes. */
export interface Heard {
  marker: string;
  bytes: number;
}

/** A session in one pod. */
export class ProbePod {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly #remote: RemoteProcess;
  readonly #waiting = new Map<string, (words: string[]) => void>();

  private constructor(pod: Pod, remote: RemoteProcess) {
    this.node = pod.spec?.nodeName ?? '';
    this.namespace = pod.metadata?.namespace ?? '';
    this.name = pod.metadata?.name ?? '';
    this.address = pod.status?.podIP ?? '';
    this.#remote = remote;
  }

  /** Opens a session; throws where the pod has no shell or no nc. */
  static async open(cluster: Cluster, pod: Pod): Promise<ProbePod> {
    const remote = await cluster.execInPod(pod, ['sh', '-c', SESSION], { ...containerOf(pod) });
    const session = new ProbePod(pod, remote);
    const ready = session.#expect('ready');
    remote.stderr.resume();
    createInterface({ input: remote.stdout }).on('line', (line) => session.#hear(line));
    const ended = remote.exited.then(
      (status) => `its shell ended with status ${status}`,
      (error) => messageOf(error),
    );
    ended.then((reason) => session.#end(reason));
    const words = await within(ANSWER_MS, ready, ['late']);
    if (words[0] === 'ready') return session;
    session.close();
    throw new Error(words[0] === 'late' ? 'its shell did not answer' : words.join(' '));
  }

  /** Gets ready for one connection; resolves once the port is open, with what will be heard later. */
  async listen(id: string, port: number, reply: string): Promise<{ heard: Promise<Heard | undefined> }> {
    const heard = this.#heard(id);
    const listening = this.#expect(`listening ${id}`);
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    this.#remote.stdin.write(`listen ${id} ${port} ${hex} ${reply}\n`);
    await within(ANSWER_MS, listening, []);
    return { heard };
  }

  /** Opens one connection and gives what came back. */
  connect(id: string, address: string, port: number, request: string): Promise<Heard | undefined> {
    const heard = this.#heard(id);
    this.#remote.stdin.write(`connect ${id} ${address} ${port} ${request}\n`);
    return heard;
  }

  /** Sends a packet to an address; resolves when it is sent, whether or not anybody answered. */
  async reach(id: string, address: string): Promise<void> {
    const reached = this.#expect(`reached ${id}`);
    this.#remote.stdin.write(`reach ${id} ${address}\n`);
    await within(ANSWER_MS, reached, []);
  }

  close(): void {
    this.#remote.stdin.end();
    this.#remote.kill();
  }

  async #heard(id: string): Promise<Heard | undefined> {
    const [, , marker, bytes] = await within(ANSWER_MS, this.#expect(`heard ${id}`), []);
    return marker === undefined || bytes === undefined ? undefined : { marker, bytes: Number(bytes) + 1 };
  }

  #expect(key: string): Promise<string[]> {
    return new Promise((resolve) => this.#waiting.set(key, resolve));
  }

  #hear(line: string): void {
    const words = line.split(' ');
    const [verb = '', id] = words;
    if (verb === 'no') {
      this.#end(line);
      return;
    }
    const key = verb === 'failed' ? `listening ${id}` : id === undefined ? verb : `${verb} ${id}`;
    this.#waiting.get(key)?.(words);
    this.#waiting.delete(key);
  }

  #end(reason: string): void {
    for (const resolve of this.#waiting.values()) resolve([reason]);
    this.#waiting.clear();
  }
}

function containerOf(pod: Pod): { container?: string } {
  const name = pod.spec?.containers[0]?.name;
  return name === undefined ? {} : { container: name };
}

/**
 * The pods that can carry the proof's traffic, best first, by node: ready, with an address of their own. Pods of the
 * cluster itself are left alone. A pod labelled app=nc is there for connections like ours.
 */
export function candidates(pods: readonly Pod[]): Map<string, Pod[]> {
  const system = new Set(['kube-system', 'calico-system', 'calico-apiserver', 'tigera-operator']);
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const { metadata, spec, status } = pod;
    const ready = status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
    if (!ready || !status?.podIP || !spec?.nodeName || spec.hostNetwork || metadata?.deletionTimestamp) continue;
    if (system.has(metadata?.namespace ?? '')) continue;
    byNode.set(spec.nodeName, [...(byNode.get(spec.nodeName) ?? []), pod]);
  }
  const rank = (pod: Pod) => (pod.metadata?.labels?.app === 'nc' ? 0 : 1);
  for (const list of byNode.values()) list.sort((a, b) => rank(a) - rank(b));
  return byNode;
}
