import { NO_SEGMENT, RecentSegments } from './recent-segments.ts';
import { type OnCut, type Origin, Run } from './stream-run.ts';
import type { Unsearched } from './unsearched.ts';

/** The most pieces with gaps between them that are kept of one stream. Each costs about a kilobyte. */
const MAX_RUNS = 64;

/** Streams, and pieces of them, that are kept: between these numbers and twice as many. */
const MAX_FLOWS = 4096;
const MAX_RUNS_OF_ALL = 8192;

/** The most ended connections that are kept, in case their bytes come again. */
const MAX_ENDED = 512;

/** The most given-up streams that are remembered, to notice if they go on. */
const MAX_GIVEN_UP = 262_144;

/** One direction of a connection, or the datagrams from one port to another. */
export interface Flow<Note> {
  readonly check: number;
  /** The position of the first byte that was captured. */
  first: number;
  /** The furthest position that was reached. Positions are sequence numbers that go on beyond 32 bits. */
  top: number;
  /** The sequence number of the connection's SYN, or -1. */
  syn: number;
  /** True if its end was seen, so that it may be forgotten without harm. */
  ended: boolean;
  /** The pieces that were seen, in order of positions, with gaps between them. */
  readonly runs: Run[];
  /** The number of its last segment among the recent ones. */
  lastSegment: number;
  /** A note that the user of the streams keeps with this one. */
  note: Note | undefined;
}

interface Uses<Note> {
  /** Receives the bytes on both sides of a cut, valid during the call only. */
  onCut(flow: Flow<Note>, bytes: Uint8Array, length: number, position: number, origins: readonly Origin[]): void;
  /** Receives bytes of a stream with a note that came before at this position, perhaps in other pieces. */
  onRepeat(flow: Flow<Note>, position: number, bytes: Uint8Array, offset: number, length: number, frame: number): void;
  /** Reports something that may have hidden a string across a cut. */
  onLoss(loss: Unsearched): void;
}

/**
 * Puts streams together as far as is needed to see what lies across the cuts between segments or datagrams: of what came without a
 * gap, only the first and last bytes are kept, so that a stream costs the same however long it is. TCP segments may come in any
 * order, twice, and overlapping; if bytes came twice and differ, the first count. The beginning of a connection need not be seen.
 */
export class Streams<Note> {
  readonly #reach: number;
  readonly #uses: Uses<Note>;
  readonly #maxFlows: number;
  readonly #joint: Uint8Array;
  #segments: RecentSegments | undefined;
  /** The streams used since the maps were last full, and those used before: the latter are given up the next time. */
  #recent = new Map<number, Flow<Note>>();
  #older = new Map<number, Flow<Note>>();
  #givenUp = new Set<number>();
  /** The keys of the connections that ended last, the next to be replaced first. */
  readonly #ended: number[] = [];
  #nextEnded = 0;
  /** The one whose segment is being added. */
  #flow: Flow<Note> | undefined;
  readonly #onCut: OnCut = (bytes, length, position, origins) => {
    if (this.#flow) this.#uses.onCut(this.#flow, bytes, length, position, origins);
  };
  /** Pieces of the recent streams, or more. */
  #runs = 0;

  /** `reach`: how many bytes on either side of a cut matter. */
  constructor(reach: number, uses: Uses<Note>, maxFlows = MAX_FLOWS) {
    this.#reach = reach;
    this.#uses = uses;
    this.#maxFlows = maxFlows;
    this.#joint = new Uint8Array(2 * reach);
  }

  /** Notes a SYN: a new connection, perhaps with the addresses and ports of an older one, unless it is a SYN that comes again. */
  open(key: number, check: number, sequence: number, frame: number): void {
    this.#givenUp.delete(key);
    const flow = this.#flowOf(key, check, sequence, frame);
    if (flow.syn === sequence) return;
    if (!flow.ended && flow.runs.length > 0) {
      const reason = 'a connection that had not ended began again';
      this.#lose('discarded by SYN', reason, [...flow.runs.map((run) => run.touched), frame]);
    }
    flow.syn = sequence;
    flow.first = sequence;
    flow.top = sequence;
    flow.ended = false;
    flow.runs.length = 0;
    flow.lastSegment = NO_SEGMENT;
    flow.note = undefined;
  }

  /** Notes a FIN or RST. */
  close(key: number, check: number): void {
    const flow = this.#recent.get(key) ?? this.#older.get(key);
    if (flow?.check !== check || flow.ended) return;
    flow.ended = true;
    const longest = this.#ended[this.#nextEnded];
    this.#ended[this.#nextEnded] = key;
    this.#nextEnded = (this.#nextEnded + 1) % MAX_ENDED;
    if (longest !== undefined) this.#forgetEnded(longest);
  }

  /** Adds the bytes of a segment, of which the first has this sequence number. */
  add(key: number, check: number, sequence: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    if (from >= to) return;
    const flow = this.#flowOf(key, check, sequence, frame);
    const position = flow.top + ((sequence - flow.top) | 0);
    const [only] = flow.runs;
    if (only && flow.runs.length === 1 && only.end === position) this.#append(flow, only, bytes, from, to, frame);
    else this.#place(flow, position, bytes, from, to, frame);
    this.#segments ??= new RecentSegments();
    flow.lastSegment = this.#segments.add(flow.lastSegment, position, bytes, from, to, frame);
    flow.top = Math.max(flow.top, position + to - from);
  }

  /** Adds the bytes of a datagram to those of its flow that came before. */
  append(key: number, check: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    if (from >= to) return;
    const flow = this.#flowOf(key, check, 0, frame);
    const [run] = flow.runs;
    if (run) this.#append(flow, run, bytes, from, to, frame);
    else flow.runs.push(new Run(0, bytes, from, to, frame, this.#reach));
  }

  /** Reports the gaps that are left at the end of the capture. */
  finish(): void {
    for (const flows of [this.#older, this.#recent]) for (const flow of flows.values()) this.#reportGaps(flow);
  }

  #forgetEnded(key: number): void {
    const flow = this.#recent.get(key) ?? this.#older.get(key);
    if (!flow?.ended) return;
    this.#reportGaps(flow);
    if (!this.#recent.delete(key)) this.#older.delete(key);
  }

  /** Fills gaps with new bytes; compares and reports repeated ones. */
  #place(flow: Flow<Note>, position: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    const end = position + to - from;
    const gaps: [start: number, end: number][] = [];
    let at = position;
    for (const run of flow.runs) {
      if (run.start >= end) break;
      if (run.end <= at) continue;
      if (run.start > at) gaps.push([at, run.start]);
      const again = Math.max(at, run.start);
      const until = Math.min(end, run.end);
      this.#compare(flow, again, bytes, from + again - position, from + until - position, frame);
      run.repeat(position, bytes, from, to, frame);
      at = run.end;
    }
    if (at < end) gaps.push([at, end]);
    if (flow.note !== undefined) this.#uses.onRepeat(flow, position, bytes, from, to - from, frame);
    for (const gap of gaps) this.#fill(flow, gap[0], bytes, from + gap[0] - position, from + gap[1] - position, frame);
  }

  #compare(flow: Flow<Note>, position: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    const result = this.#segments?.compare(flow.lastSegment, position, bytes, from, to);
    if (result === undefined || result === 'same') return;
    if (result === 'unknown') this.#lose('repeat not compared', 'bytes of a stream came again very late', [frame]);
    else this.#lose('contradiction', 'bytes of a stream came twice, and differ', [result, frame]);
  }

  #fill(flow: Flow<Note>, position: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    const { runs } = flow;
    const index = runs.findIndex((run) => run.start >= position);
    const next = index === -1 ? runs.length : index;
    const before = runs[next - 1];
    const after = runs[next];
    let run = before;
    if (run?.end === position) this.#append(flow, run, bytes, from, to, frame);
    else {
      run = new Run(position, bytes, from, to, frame, this.#reach);
      runs.splice(next, 0, run);
      this.#runs += 1;
    }
    if (after && after.start === run.end) {
      run.join(after, this.#joint, this.#cutting(flow));
      runs.splice(runs.indexOf(after), 1);
    }
    if (runs.length > MAX_RUNS) this.#dropOldest(runs, frame);
  }

  #append(flow: Flow<Note>, run: Run, bytes: Uint8Array, from: number, to: number, frame: number): void {
    run.append(bytes, from, to, frame, this.#joint, this.#cutting(flow));
  }

  /** Returns the one function for all streams: there are many, and each segment calls it. */
  #cutting(flow: Flow<Note>): OnCut {
    this.#flow = flow;
    return this.#onCut;
  }

  #dropOldest(runs: Run[], frame: number): void {
    const oldest = runs.reduce((a, b) => (b.touched < a.touched ? b : a));
    runs.splice(runs.indexOf(oldest), 1);
    this.#lose('over bound', 'a stream has too many gaps at a time', [oldest.touched, frame]);
  }

  #flowOf(key: number, check: number, sequence: number, frame: number): Flow<Note> {
    const recent = this.#recent.get(key);
    if (recent?.check === check) return recent;
    const older = this.#older.get(key);
    const flow = older?.check === check ? older : newFlow<Note>(check, sequence);
    this.#older.delete(key);
    // Two flows of one key: they cannot both be kept.
    if (recent) this.#giveUp(key, recent);
    else if (older && older !== flow) this.#giveUp(key, older);
    if (this.#recent.size >= this.#maxFlows || this.#runs >= MAX_RUNS_OF_ALL) this.#giveUpOlder();
    this.#recent.set(key, flow);
    this.#runs += flow.runs.length;
    if (flow !== older && this.#givenUp.delete(key)) {
      this.#lose('over bound', 'a stream goes on that had been given up, since there were too many', [frame]);
    }
    return flow;
  }

  #giveUpOlder(): void {
    for (const [key, flow] of this.#older) this.#giveUp(key, flow);
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#runs = 0;
  }

  /** Gives up a stream; a connection that ended, or had no data, is no loss. */
  #giveUp(key: number, flow: Flow<Note>): void {
    this.#reportGaps(flow);
    if (flow.ended || flow.runs.length === 0) return;
    if (this.#givenUp.size >= MAX_GIVEN_UP) {
      this.#givenUp.clear();
      this.#lose('over bound', 'there are too many streams to notice which of them go on', [
        flow.runs[0]?.touched ?? 0,
      ]);
    }
    this.#givenUp.add(key);
  }

  /** Reports the gaps, except before the first captured byte: those bytes were sent before the capture began. */
  #reportGaps({ runs, first }: Flow<Note>): void {
    if (runs.length < 2) return;
    const from = runs.findIndex((run) => run.end > first);
    const frames = runs.slice(Math.max(0, from)).map((run) => run.touched);
    if (frames.length > 1) this.#lose('stream hole', 'bytes of a stream between others never came', frames);
  }

  #lose(kind: Unsearched['kind'], reason: string, frames: readonly number[]): void {
    this.#uses.onLoss({ kind, reason, frames: [...new Set(frames)].sort((a, b) => a - b) });
  }
}

function newFlow<Note>(check: number, sequence: number): Flow<Note> {
  return {
    check,
    first: sequence,
    top: sequence,
    syn: -1,
    ended: false,
    runs: [],
    lastSegment: NO_SEGMENT,
    note: undefined,
  };
}
