import type { ProbeRecord, Record } from '../record.ts';
import { type PlannedProbe, payloads } from './plan.ts';
import type { ProbePod, Sent } from './probe-pod.ts';
import { within } from './within.ts';

export type Fingerprint = NonNullable<Record['fingerprints']>[number];

/** Everything that one pod sends to another over one family. */
export interface ProbeRun {
  client: ProbePod;
  server: ProbePod;
  probe: PlannedProbe;
  /** For TCP; UDP takes the next one. */
  port: number;
  markers: { [id: string]: string };
  /** Runs the work that sends the client's datagrams while the client sends no others. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** How long the server may take to finish a connection after the client has, in ms. */
const LATE_MS = 1_000;
/** The bytes of an echo that is larger than any MTU. */
const LARGE_ECHO = 2_000;
/** How long the first answer to a datagram may take, in ms. */
const DATAGRAM_MS = 200;

/** Sends what is planned from one pod to another. `connection` is the one with the markers: over IPv4 if the pods have it. */
export async function runProbe(
  run: ProbeRun,
): Promise<{ connection: ProbeRecord | undefined; fingerprints: Fingerprint[] }> {
  const { client, server, probe, port } = run;
  const address = server.addresses.get(probe.family) ?? '';
  // With IPv6 the sender alone cuts packets. A pod made before encryption was on learns the smaller MTU only from a lost packet.
  if (probe.family === 6) await client.teach(`t${port}`, 6, address, LARGE_ECHO);
  const [mtu, back, tcp, icmp, udp] = await Promise.all([
    client.mtuTowards(`m${port}`, address),
    server.mtuTowards(`n${port}`, client.addresses.get(probe.family) ?? ''),
    overTcp(run, address),
    overIcmp(run, address),
    overUdp(run, address),
  ]);
  const withMtu = (fingerprint: Fingerprint, found: number | undefined): Fingerprint =>
    found === undefined ? fingerprint : { ...fingerprint, mtu: found };
  const hasMarkers = probe.family === 4 || !server.addresses.has(4);
  return {
    connection: hasMarkers ? tcp.connection : undefined,
    fingerprints: [...[tcp.requests, icmp, udp].map((each) => withMtu(each, mtu)), withMtu(tcp.answers, back)],
  };
}

async function overTcp({ client, server, probe, port, markers }: ProbeRun, address: string) {
  const { from, to, family, request, reply } = probe;
  const [mine, theirs] = [markers[request] ?? '', markers[reply] ?? ''];
  const asked = payloads('tcp', family, probe.tcp.sizes);
  const answered = payloads('tcp', family, probe.answers.sizes);
  const side = { family, port };
  const listening = await server.serve({ ...side, id: `s${port}`, mine: theirs, theirs: mine, lengths: answered });
  const began = performance.now();
  const back = await client.talk({ ...side, id: `c${port}`, mine, theirs, lengths: asked }, address);
  const unanswered = whyNot('the answer', back, answered);
  // If the client gave up, nothing more will reach the server, so there is no reason to wait until it gives up too.
  const there = await (unanswered === undefined ? listening.heard : within(LATE_MS, listening.heard, []));
  const spanMs = spanSince(began);
  const reason = whyNot('the request', there, asked) ?? unanswered;
  const connection: ProbeRecord = {
    from,
    to,
    fromPod: podOf(client, family),
    toPod: podOf(server, family),
    port,
    request,
    reply,
    sentBytes: reason ? 0 : sum(asked),
    repliedBytes: reason ? 0 : sum(answered),
    delivered: reason === undefined,
    ...(reason ? { reason } : {}),
  };
  // TCP cuts a large message by what it knows about the way, so its length does not identify it.
  const small = (sizes: readonly number[]) => sizes.slice(0, -1);
  const way = { family, protocol: 'tcp' as const, port, spanMs, ...(reason ? { reason } : {}) };
  const requests: Fingerprint = {
    ...endsOf(at(from, client), at(to, server), family),
    ...way,
    sizes: small(probe.tcp.sizes),
    choices: probe.tcp.choices,
    sent: Math.min(there.length, asked.length - 1),
    received: Math.min(there.length, asked.length - 1),
  };
  const answers: Fingerprint = {
    ...endsOf(at(to, server), at(from, client), family),
    ...way,
    sizes: small(probe.answers.sizes),
    choices: probe.answers.choices,
    sent: Math.min(back.length, answered.length - 1),
    received: Math.min(back.length, answered.length - 1),
  };
  return { connection, requests, answers };
}

async function overIcmp({ client, server, probe, port }: ProbeRun, address: string): Promise<Fingerprint> {
  const { from, to, family, icmp } = probe;
  const began = performance.now();
  const result = await client.echo(`e${port}`, family, address, payloads('icmp', family, icmp.sizes));
  return {
    ...endsOf(at(from, client), at(to, server), family),
    family,
    protocol: 'icmp',
    ...icmp,
    spanMs: spanSince(began),
    ...countsOf(result),
    replies: icmp.sizes,
  };
}

function overUdp({ client, server, probe, port, inTurn }: ProbeRun, address: string): Promise<Fingerprint> {
  const { from, to, family, udp } = probe;
  return inTurn(async () => {
    const began = performance.now();
    const result = await client.datagrams(`u${port}`, family, address, port + 1, DATAGRAM_MS, udp.sizes);
    return {
      ...endsOf(at(from, client), at(to, server), family),
      family,
      protocol: 'udp',
      port: port + 1,
      ...udp,
      spanMs: spanSince(began),
      ...countsOf(result),
    };
  });
}

const at = (node: string, pod: ProbePod) => ({ node, pod });

function endsOf(from: { node: string; pod: ProbePod }, to: { node: string; pod: ProbePod }, family: 4 | 6) {
  return { from: from.node, to: to.node, fromPod: podOf(from.pod, family), toPod: podOf(to.pod, family) };
}

function countsOf({ sent, answered, reason }: Sent) {
  const silent = answered === 0 ? 'nothing came back' : undefined;
  const why = reason ?? silent;
  return { sent, received: Math.max(0, answered), ...(why ? { reason: why } : {}) };
}

function podOf({ name, namespace, addresses }: ProbePod, family: 4 | 6) {
  return { name, namespace, address: addresses.get(family) ?? '' };
}

function whyNot(what: string, heard: readonly number[], lengths: readonly number[]): string | undefined {
  if (heard.length === lengths.length && heard.every((length, i) => length === lengths[i])) return undefined;
  return heard.length > 0 ? `${what} did not arrive whole` : `${what} did not arrive`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function spanSince(began: number): number {
  return Math.ceil(performance.now() - began);
}
