import { type OnCut, type Origin, Run } from './stream-run.ts';

/** Pieces with gaps between them that are kept of one stream. Each costs about a kilobyte. */
const MAX_RUNS = 64;

/** Streams, and pieces of them, that are kept: between these numbers and twice as many. */
const MAX_FLOWS = 4096;
const MAX_RUNS_OF_ALL = 8192;

/** One direction of a connection. */
export interface Flow<Note> {
  readonly check: number;
  /** The furthest position that was reached. Positions are sequence numbers that go on beyond 32 bits. */
  top: number;
  /** The sequence number of the connection's SYN, or -1. */
  syn: number;
  /** Its end was seen: it may be forgotten without harm. */
  ended: boolean;
  /** What was seen, in order of positions; between them are gaps. */
  readonly runs: Run[];
  /** What the user of the streams wants to remember of this one. */
  note: Note | undefined;
}

interface Uses<Note> {
  /** The bytes on both sides of a cut between segments, valid during the call only. */
  onCut(flow: Flow<Note>, bytes: Uint8Array, length: number, position: number, origins: readonly Origin[]): void;
  /** Bytes at a position of a stream with a note that came before, perhaps in other pieces. */
  onRepeat(flow: Flow<Note>, position: number, bytes: Uint8Array, offset: number, length: number, frame: number): void;
}

/**
 * Puts TCP segments together as far as is needed to see what stands across their cuts: of what came without a gap, only the
 * first and last bytes are kept, so that a stream costs the same however long it is. Segments may come in any order, twice,
 * and overlapping; of bytes that came differently, the first count. The beginning of a connection need not be seen.
 */
export class TcpStreams<Note> {
  /** What was given up before its end because there was too much: strings that were cut there may have been missed. */
  readonly dropped = { flows: 0, gaps: 0 };
  readonly #reach: number;
  readonly #uses: Uses<Note>;
  readonly #maxFlows: number;
  readonly #joint: Uint8Array;
  /** The streams used since the last full house, and those used before: the latter are dropped at the next. */
  #recent = new Map<number, Flow<Note>>();
  #older = new Map<number, Flow<Note>>();
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

  /** A SYN: a new connection, perhaps with the addresses and ports of an older one, unless it is a SYN that comes again. */
  open(key: number, check: number, sequence: number): void {
    const flow = this.#flowOf(key, check, sequence);
    if (flow.syn === sequence) return;
    flow.syn = sequence;
    flow.ended = false;
    flow.top = sequence;
    flow.runs.length = 0;
    flow.note = undefined;
  }

  /** A FIN or RST. */
  close(key: number, check: number): void {
    const flow = this.#recent.get(key) ?? this.#older.get(key);
    if (flow?.check === check) flow.ended = true;
  }

  /** The bytes of a segment, of which the first has this sequence number. */
  add(key: number, check: number, sequence: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    if (from >= to) return;
    const flow = this.#flowOf(key, check, sequence);
    const position = flow.top + ((sequence - flow.top) | 0);
    const [only] = flow.runs;
    if (only && flow.runs.length === 1 && only.end === position) this.#append(flow, only, bytes, from, to, frame);
    else this.#place(flow, position, bytes, from, to, frame);
    flow.top = Math.max(flow.top, position + to - from);
  }

  /** Puts what is new where it belongs, and reports what is not. */
  #place(flow: Flow<Note>, position: number, bytes: Uint8Array, from: number, to: number, frame: number): void {
    const end = position + to - from;
    const gaps: [start: number, end: number][] = [];
    let at = position;
    for (const run of flow.runs) {
      if (run.start >= end) break;
      if (run.end <= at) continue;
      if (run.start > at) gaps.push([at, run.start]);
      run.repeat(position, bytes, from, to, frame);
      at = run.end;
    }
    if (at < end) gaps.push([at, end]);
    if (flow.note !== undefined) this.#uses.onRepeat(flow, position, bytes, from, to - from, frame);
    for (const gap of gaps) this.#fill(flow, gap[0], bytes, from + gap[0] - position, from + gap[1] - position, frame);
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
    if (runs.length > MAX_RUNS) this.#dropOldest(runs);
  }

  #append(flow: Flow<Note>, run: Run, bytes: Uint8Array, from: number, to: number, frame: number): void {
    run.append(bytes, from, to, frame, this.#joint, this.#cutting(flow));
  }

  /** One function for all streams: there are many, and each segment calls it. */
  #cutting(flow: Flow<Note>): OnCut {
    this.#flow = flow;
    return this.#onCut;
  }

  #dropOldest(runs: Run[]): void {
    const oldest = runs.reduce((a, b) => (b.touched < a.touched ? b : a));
    runs.splice(runs.indexOf(oldest), 1);
    this.dropped.gaps += 1;
  }

  #flowOf(key: number, check: number, sequence: number): Flow<Note> {
    const recent = this.#recent.get(key);
    if (recent?.check === check) return recent;
    const older = this.#older.get(key);
    const flow = older?.check === check ? older : newFlow<Note>(check, sequence);
    this.#older.delete(key);
    this.#countDropped(recent);
    if (older !== flow) this.#countDropped(older);
    if (this.#recent.size >= this.#maxFlows || this.#runs >= MAX_RUNS_OF_ALL) this.#dropOlder();
    this.#recent.set(key, flow);
    this.#runs += flow.runs.length;
    return flow;
  }

  #dropOlder(): void {
    for (const flow of this.#older.values()) this.#countDropped(flow);
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#runs = 0;
  }

  /** A connection that ended, or had no data, is no loss. */
  #countDropped(flow: Flow<Note> | undefined): void {
    if (flow && !flow.ended && flow.runs.length > 0) this.dropped.flows += 1;
  }
}

function newFlow<Note>(check: number, sequence: number): Flow<Note> {
  return { check, top: sequence, syn: -1, ended: false, runs: [], note: undefined };
}
