/** A message that was captured: its time in ms, and the length of the IP packet that it carries, padding included. */
export interface WireMessage {
  readonly time: number;
  readonly bytes: number;
}

/** The lengths of the IP packets that a pod sent in one go, and what is known about their way. */
export interface Expected {
  /** In the order in which they were sent; those above the smallest MTU arrive as fragments. */
  readonly sizes: readonly number[];
  readonly family: 4 | 6;
  /** The MTUs that a packet passes before it is encrypted, the tunnel's last; none if they are not known. */
  readonly mtus: readonly number[];
  /** How long the sending took at most: the messages that carry them are no further apart. */
  readonly spanMs: number;
  /** How many lengths each of the small ones was drawn from, at least. */
  readonly choices: number;
  /** True if it shares no length with any other sequence that is searched for and is apart, too. */
  readonly apart?: boolean;
}

/** How an encapsulation turns an IP packet into the message that carries it: it adds bytes, then pads to a multiple. */
export interface Rule {
  readonly name: string;
  readonly adds: number;
  readonly multiple: number;
}

export type Sought =
  | { readonly found: true; readonly rule: Rule; readonly at: readonly number[]; readonly chance: number }
  /** `matched` of `of` messages were found in order, by the rule that fits best. */
  | { readonly found: false; readonly matched: number; readonly of: number };

/** A fingerprint counts only if other traffic would show one like it with less than this probability. */
export const CHANCE = 1e-9;

/** Lengths lie this far apart, so that each pads to another multiple of 16, WireGuard's. */
const STEP = 16;
const SMALLEST = 128;

/** The largest IP packets that are drawn: a TCP message stays within what nc sends at once, an echo below every MTU. */
const LARGEST = { tcp: 1040, udp: 1248, icmp: 1248 } as const;
export type Protocol = keyof typeof LARGEST;

/** A packet that no MTU of an ordinary network lets through whole. */
export const LARGE = 2048;

/**
 * Draws `count` lengths that are not in `taken` yet, and adds them to it: so two fingerprints of one run share no length.
 * `choices` is how many there were to draw from at the end. `randomBelow(n)` returns 0 to n-1.
 */
export function drawSizes(
  protocol: Protocol,
  count: number,
  taken: Set<number>,
  randomBelow: (n: number) => number,
): { sizes: number[]; choices: number } {
  const free = lengthsUpTo(LARGEST[protocol]).filter((length) => !taken.has(length));
  if (free.length < count) throw new RangeError(`only ${free.length} of ${count} lengths are left`);
  const choices = free.length - count + 1;
  const sizes = Array.from({ length: count }, () => {
    const [size = SMALLEST] = free.splice(randomBelow(free.length), 1);
    taken.add(size);
    return size;
  });
  return { sizes, choices };
}

function lengthsUpTo(largest: number): number[] {
  return Array.from({ length: (largest - SMALLEST) / STEP + 1 }, (_, i) => SMALLEST + i * STEP);
}

/** Draws the length of a packet that is larger than the MTU. */
export function drawLargeSize(randomBelow: (n: number) => number): number {
  return LARGE + STEP * randomBelow(lengthsUpTo(LARGEST.icmp).length);
}

/** Returns the length of the ICMP error that answers a UDP packet to a closed port, as Linux cuts what it quotes. */
export function refusalOf(size: number, family: 4 | 6): number {
  return family === 4 ? 28 + Math.min(size, 548) : 48 + Math.min(size, 1232);
}

/** The wrappings that packets may get before they are encrypted: none (Calico), or VXLAN (Cilium), over either family. */
const WRAPPINGS = [
  { name: '', adds: 0 },
  { name: ' in VXLAN', adds: 50 },
  { name: ' in VXLAN over IPv6', adds: 70 },
];

/** The rules of WireGuard: padded to 16, up to the tunnel's MTU. */
export const WIREGUARD_RULES: readonly Rule[] = rules('WireGuard', 0, 16);
/** The rules of ESP: two bytes of trailer, padded to 4. */
export const ESP_RULES: readonly Rule[] = rules('ESP', 2, 4);
/** The rules of packets that are not encrypted. */
export const PLAINTEXT_RULES: readonly Rule[] = rules('plaintext', 0, 1);

function rules(name: string, trailer: number, multiple: number): Rule[] {
  return WRAPPINGS.map((wrapping) => ({ name: name + wrapping.name, adds: wrapping.adds + trailer, multiple }));
}

/**
 * Searches for sequences of packets among the messages that one node sent to another with one encryption, in the order of their capture.
 * All messages of a sequence must be there in order, by one rule; messages of others may lie between them. `chance` is the
 * probability that the messages that belong to no sequence would show a sequence of as many lengths drawn at random. `answers` are the
 * lengths of packets that may answer the run's own: they are no other traffic, either.
 */
export function findFingerprints(
  sought: readonly Expected[],
  messages: readonly WireMessage[],
  allowed: readonly Rule[],
  answers: readonly number[] = [],
): Sought[] {
  const places = placesByBytes(messages);
  const found = sought.map((expected) => bestMatch(expected, messages, places, allowed));
  const ours = new Set(found.flatMap((one) => one.at));
  const rule = found.find((one) => one.rule)?.rule;
  for (const size of rule ? answers : []) {
    const at = rule && places.get(carried(size, rule, Number.POSITIVE_INFINITY))?.find((place) => !ours.has(place));
    if (at !== undefined) ours.add(at);
  }
  const foreign = messages.filter((_, i) => !ours.has(i));
  return found.map(({ rule, at, of }, i) => {
    const expected = sought[i];
    if (!expected || !rule || at.length < of) return { found: false, matched: at.length, of };
    const others = expected.apart ? sought.filter((other) => other !== expected && other.apart) : [];
    return { found: true, rule, at, chance: Math.min(1, chanceOf(expected, foreign, rule, others) * allowed.length) };
  });
}

interface Match {
  rule: Rule | undefined;
  at: number[];
  /** How many messages the sequence has by this rule. */
  of: number;
}

function bestMatch(
  expected: Expected,
  messages: readonly WireMessage[],
  places: ReadonlyMap<number, readonly number[]>,
  allowed: readonly Rule[],
): Match {
  let best: Match = { rule: undefined, at: [], of: expected.sizes.length };
  for (const rule of allowed) {
    for (const bytes of waysOnTheWire(expected, rule)) {
      const at = longestMatch(bytes, expected.spanMs, messages, places);
      const match = { rule, at, of: bytes.length };
      if (bytes.length > 0 && at.length === bytes.length) return match;
      if (at.length > best.at.length) best = match;
    }
  }
  return best;
}

/** Returns the messages that a sequence becomes, in each way in which its large packets may be cut into fragments. */
function waysOnTheWire({ sizes, family, mtus }: Expected, rule: Rule): number[][] {
  const tunnel = mtus.at(-1) ?? Number.POSITIVE_INFINITY;
  // In a tunnel, the wrapping takes its share of the MTU.
  const wrapped = [...mtus.slice(0, -1), tunnel - rule.adds];
  // A node that tracks connections puts fragments together and cuts them again; else each MTU cuts what the last one left.
  const ways = [mtus, [Math.min(...mtus)], wrapped, [Math.min(...wrapped)]].map((cuts) =>
    sizes
      .flatMap((size) =>
        cuts.reduce((packets, mtu) => packets.flatMap((packet) => fragmentsOf(packet, mtu, family)), [size]),
      )
      .map((packet) => carried(packet, rule, tunnel)),
  );
  return [...new Map(ways.map((way) => [way.join(), way])).values()];
}

/** Returns the lengths of the IP packets that one packet becomes if the MTU is smaller. */
export function fragmentsOf(size: number, mtu: number, family: 4 | 6): number[] {
  if (size <= mtu) return [size];
  const [header, fragmentHeader] = family === 4 ? [20, 20] : [40, 48];
  const each = Math.floor((mtu - fragmentHeader) / 8) * 8;
  const payload = size - header;
  const whole = Math.ceil(payload / each) - 1;
  return [...Array.from({ length: whole }, () => each + fragmentHeader), payload - whole * each + fragmentHeader];
}

/** Returns the length that a message carries for a packet. No packet is padded beyond the tunnel's MTU. */
function carried(size: number, { adds, multiple }: Rule, mtu: number): number {
  const bytes = size + adds;
  return Math.max(bytes, Math.min(Math.ceil(bytes / multiple) * multiple, mtu));
}

function placesByBytes(messages: readonly WireMessage[]): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (const [i, { bytes }] of messages.entries()) {
    const list = places.get(bytes);
    if (list) list.push(i);
    else places.set(bytes, [i]);
  }
  return places;
}

/** Returns the places of the longest beginning of a sequence that appears in order within the span. */
function longestMatch(
  bytes: readonly number[],
  spanMs: number,
  messages: readonly WireMessage[],
  places: ReadonlyMap<number, readonly number[]>,
): number[] {
  let longest: number[] = [];
  for (const start of places.get(bytes[0] ?? -1) ?? []) {
    const latest = (messages[start]?.time ?? 0) + spanMs;
    const at = [start];
    for (const size of bytes.slice(1)) {
      const next = firstAfter(places.get(size) ?? [], at.at(-1) ?? start);
      if (next === undefined || (messages[next]?.time ?? Number.POSITIVE_INFINITY) > latest) break;
      at.push(next);
    }
    if (at.length > longest.length) longest = at;
    if (longest.length === bytes.length) break;
  }
  return longest;
}

function firstAfter(sorted: readonly number[], place: number): number | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > place) high = middle;
    else low = middle + 1;
  }
  return sorted[low];
}

/**
 * Returns an upper bound on the chance. There are two ways to count: all lengths that could have been drawn, or those that are free once
 * the others are known. Both bounds hold, so twice the smaller one does. Large packets are left out: all but their last fragment are as
 * long as any bulk traffic.
 */
function chanceOf(
  expected: Expected,
  foreign: readonly WireMessage[],
  rule: Rule,
  others: readonly Expected[],
): number {
  const all = lengthsUpTo(LARGEST.icmp);
  const chance = chanceAmong(expected, foreign, rule, all, expected.choices);
  if (others.length === 0 || chance === 0) return chance;
  const taken = new Set(others.flatMap(({ sizes }) => sizes));
  const free = all.filter((length) => !taken.has(length));
  // TCP has the fewest lengths to draw from.
  const choices = free.filter((length) => length <= LARGEST.tcp).length - expected.sizes.length + 1;
  if (choices < 2) return chance;
  return 2 * Math.min(chance, chanceAmong(expected, foreign, rule, free, Math.min(choices, expected.choices)));
}

/** Returns the chance if only messages of some lengths could show the sequence, each drawn from `choices`. */
function chanceAmong(
  { sizes, mtus, spanMs }: Expected,
  foreign: readonly WireMessage[],
  rule: Rule,
  possible: readonly number[],
  choices: number,
): number {
  const drawn = sizes.filter((size) => size < LARGE).length;
  const tunnel = mtus.at(-1) ?? Number.POSITIVE_INFINITY;
  const lengths = new Set(possible.map((length) => carried(length, rule, tunnel)));
  const alike = foreign.filter(({ bytes }) => lengths.has(bytes));
  const began = alike[0]?.time ?? 0;
  // Any span lies whole in one of these blocks, which are two spans long and overlap by one.
  const blocks = new Map<number, number[]>();
  for (const { time, bytes } of alike) {
    const block = Math.floor((time - began) / Math.max(1, spanMs));
    for (const key of [block - 1, block]) {
      const values = blocks.get(key);
      if (values) values.push(bytes);
      else blocks.set(key, [bytes]);
    }
  }
  const sum = [...blocks.values()].reduce((total, block) => total + chanceIn(block, drawn, choices), 0);
  return drawn === 0 ? 1 : Math.min(1, sum);
}

/**
 * Returns the probability that `count` values drawn from `choices` appear, in order, among `values`: the number of different
 * subsequences of that length, over all that can be drawn.
 */
export function chanceIn(values: readonly number[], count: number, choices: number): number {
  // From the end: the probability for each number of values, in what follows; and what it was behind a value's next place.
  let here = new Float64Array(count + 1);
  here[0] = 1;
  const behind = new Map<number, Float64Array>();
  for (const value of [...values].reverse()) {
    const known = behind.get(value);
    const next = here.slice();
    for (let n = 1; n <= count; n += 1) {
      next[n] = (here[n] ?? 0) + ((here[n - 1] ?? 0) - (known?.[n - 1] ?? 0)) / choices;
    }
    behind.set(value, here);
    here = next;
  }
  return here[count] ?? 0;
}
