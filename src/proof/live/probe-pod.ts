import { messageOf } from '../../errors.ts';
import type { Cluster } from '../../kube/cluster.ts';
import type { Pod } from '../../kube/objects.ts';
import type { RemoteProcess } from '../../process/remote-process.ts';
import { LineReader } from './line-reader.ts';
import { PROBE_SESSION } from './probe-script.ts';
import { within } from './within.ts';

const ANSWER_MS = 45_000;

/** One side of a dialog over TCP. */
export interface Side {
  id: string;
  family: 4 | 6;
  port: number;
  /** The markers of this side's messages and of the other's. */
  mine: string;
  theirs: string;
  /** The lengths of this side's messages, in bytes. */
  lengths: readonly number[];
}

/** The result of sending packets one by one; `reason` if none could be sent. */
export interface Sent {
  sent: number;
  answered: number;
  reason?: string;
}

/** A session in one pod, which sends and answers on order. */
export class ProbePod {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  /** The pod's first address of each family. */
  readonly addresses: ReadonlyMap<4 | 6, string>;
  readonly #remote: RemoteProcess;
  readonly #lines: LineReader;
  #ended: string | undefined;

  private constructor(pod: Pod, remote: RemoteProcess) {
    this.node = pod.spec?.nodeName ?? '';
    this.namespace = pod.metadata?.namespace ?? '';
    this.name = pod.metadata?.name ?? '';
    this.addresses = addressesOf(pod);
    this.#remote = remote;
    this.#lines = new LineReader(remote.stdout);
    remote.stderr.resume();
    remote.exited.then(
      (status) => {
        this.#ended = `its shell ended with status ${status}`;
      },
      (error) => {
        this.#ended = messageOf(error);
      },
    );
  }

  /** Opens a session. Throws if the pod has no shell or no nc. */
  static async open(cluster: Cluster, pod: Pod): Promise<ProbePod> {
    const remote = await cluster.execInPod(pod, ['sh', '-c', PROBE_SESSION], { ...containerOf(pod) });
    const session = new ProbePod(pod, remote);
    const words = await within(ANSWER_MS, session.#lines.line('ready', 'no'), ['late']);
    if (words?.[0] === 'ready') return session;
    session.close();
    if (words?.[0] === 'late') throw new Error('its shell did not answer');
    throw new Error(words ? words.join(' ') : (session.#ended ?? 'its shell ended'));
  }

  /** Gets ready for one connection. Resolves once the port is open, with the lengths of the messages that will come. */
  async serve({ id, family, port, mine, theirs, lengths }: Side): Promise<{ heard: Promise<number[]> }> {
    const heard = this.#heard(id);
    const listening = this.#lines.line(`listening ${id}`, `failed ${id}`);
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    this.#order('serve', id, port, hex, mine, theirs, family, ...lengths);
    await within(ANSWER_MS, listening, []);
    return { heard };
  }

  /** Opens one connection, sends a message of each length, and returns the lengths of the answers. */
  talk({ id, family, port, mine, theirs, lengths }: Side, address: string): Promise<number[]> {
    const heard = this.#heard(id);
    this.#order('talk', id, family, address, port, mine, theirs, ...lengths);
    return heard;
  }

  /** Sends an ICMP echo of each length, one after the other. */
  echo(id: string, family: 4 | 6, address: string, lengths: readonly number[]): Promise<Sent> {
    return this.#sent('echoed', id, () => this.#order('echo', id, family, address, ...lengths));
  }

  /** Sends one ICMP echo, and does not wait for its answer: a pod that assumes too large an MTU for the way learns the right one. */
  async teach(id: string, family: 4 | 6, address: string, length: number): Promise<void> {
    const answer = this.#lines.line(`taught ${id}`);
    this.#order('teach', id, family, address, length);
    await within(ANSWER_MS, answer, undefined);
  }

  /** Sends IP packets of these lengths with UDP datagrams to a port; waits for the first answer for `waitMs` at most. */
  datagrams(
    id: string,
    family: 4 | 6,
    address: string,
    port: number,
    waitMs: number,
    lengths: readonly number[],
  ): Promise<Sent> {
    return this.#sent('flung', id, () =>
      this.#order('datagrams', id, family, address, port, Math.ceil(waitMs / 10), ...lengths),
    );
  }

  /** Returns the MTU of the interface that leads to an address; undefined if the image has no tool for it. */
  async mtuTowards(id: string, address: string): Promise<number | undefined> {
    const answer = this.#lines.line(`device ${id}`);
    this.#order('device', id, address);
    const mtu = Number((await within(ANSWER_MS, answer, undefined))?.[2]);
    return mtu > 0 ? mtu : undefined;
  }

  close(): void {
    this.#remote.stdin.end();
    this.#remote.kill();
  }

  async #heard(id: string): Promise<number[]> {
    const words = await within(ANSWER_MS, this.#lines.line(`heard ${id}`), undefined);
    return (words ?? []).slice(2).map(Number);
  }

  async #sent(verb: string, id: string, order: () => void): Promise<Sent> {
    const answer = this.#lines.line(`${verb} ${id}`);
    order();
    const [, , sent, answered, ...words] = (await within(ANSWER_MS, answer, undefined)) ?? [];
    const reason = sent === undefined ? (this.#ended ?? 'its shell did not answer') : words.join(' ');
    return { sent: Number(sent ?? 0), answered: Number(answered ?? 0), ...(reason ? { reason } : {}) };
  }

  #order(...words: (string | number)[]): void {
    this.#remote.stdin.write(`${words.join(' ')}\n`);
  }
}

/** Returns the addresses of a pod, the first of each family. */
export function addressesOf({ status }: Pod): Map<4 | 6, string> {
  const all = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)].flatMap((ip) => ip ?? []);
  const addresses = new Map<4 | 6, string>();
  for (const ip of all) {
    const family = ip.includes(':') ? 6 : 4;
    if (!addresses.has(family)) addresses.set(family, ip);
  }
  return addresses;
}

function containerOf(pod: Pod): { container?: string } {
  const name = pod.spec?.containers[0]?.name;
  return name === undefined ? {} : { container: name };
}
