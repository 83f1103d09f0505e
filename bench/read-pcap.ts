import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCaptureFile } from '../src/wire/capture-file.ts';
import { decodeFrame } from '../src/wire/decode.ts';
import { MarkerSearch } from '../src/wire/marker-search.ts';
import { writeTraffic } from './traffic.ts';

// How fast are 20 markers found in a 200 MB capture, against tshark for one of them, and tcpdump and grep for all?
//   npx esbuild bench/read-pcap.ts --bundle --platform=node --format=esm --outfile=/tmp/b.mjs && node /tmp/b.mjs

const SIZE = 200_000_000;
const MARKERS = 20;
const ROUNDS = 5;

const [mode, path, ...markerTexts] = process.argv.slice(2);
if (mode === 'search' && path) await search(path, markerTexts);
else if (mode === 'decode' && path) await decode(path);
else await compare();

/** The whole of what is compared: a process of its own, from start to end. */
async function search(file: string, markers: readonly string[]): Promise<void> {
  const search = new MarkerSearch(new Map(markers.map((text) => [text, Buffer.from(text)])));
  let [frames, sightings, split] = [0, 0, 0];
  for await (const batch of readCaptureFile(file)) {
    frames += batch.length;
    for (const sighting of search.feed(batch)) {
      sightings += 1;
      split += sighting.split ? 1 : 0;
    }
  }
  sightings += search.finish().length;
  report({ frames, sightings, split, unsearched: search.takeUnsearched().length });
}

async function decode(file: string): Promise<void> {
  let [frames, layers] = [0, 0];
  for await (const batch of readCaptureFile(file)) {
    frames += batch.length;
    for (const frame of batch) layers += decodeFrame(frame).layers.length;
  }
  report({ frames, layers });
}

function report(counts: object): void {
  console.log(
    JSON.stringify({ ...counts, seconds: process.uptime(), peakMegabytes: process.resourceUsage().maxRSS / 1000 }),
  );
}

async function compare(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-bench-'));
  try {
    const file = join(folder, 'traffic.pcap');
    const run = randomBytes(10).toString('hex');
    const markers = Array.from({ length: MARKERS }, (_, i) => `wglab-${run}-${String(i).padStart(4, '0')}`);
    await writeTraffic(file, SIZE, markers);
    console.log(`${(await stat(file)).size / 1e6} MB, ${MARKERS} markers, ${ROUNDS} rounds, medians`);
    measure(file, markers);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function measure(file: string, markers: readonly string[]): void {
  const self = process.argv[1] ?? '';
  const wglab: number[] = [];
  const tshark: number[] = [];
  const tcpdump: number[] = [];
  const decoding: number[] = [];
  let found = '';
  let decoded = '';
  for (let round = 0; round < ROUNDS; round++) {
    wglab.push(
      seconds(() => {
        found = run(process.execPath, [self, 'search', file, ...markers]);
      }),
    );
    tshark.push(seconds(() => run('tshark', ['-r', file, '-Y', `frame contains "${markers[0]}"`])));
    // The file's name and the pattern are arguments, not parts of the command.
    const pipe = 'tcpdump -n -r "$1" -A 2>/dev/null | grep -cE "$2"';
    tcpdump.push(seconds(() => run('sh', ['-c', pipe, 'sh', file, markers.join('|')])));
    decoding.push(
      seconds(() => {
        decoded = run(process.execPath, [self, 'decode', file]);
      }),
    );
  }
  const { frames, sightings, split, peakMegabytes, unsearched } = JSON.parse(found);
  console.log(`wglab, ${MARKERS} markers        ${show(wglab)}   peak ${peakMegabytes.toFixed(0)} MB`);
  console.log(`tshark, 1 marker         ${show(tshark)}   ${(median(tshark) / median(wglab)).toFixed(1)} × (reach 3)`);
  console.log(
    `tcpdump | grep -E, ${MARKERS}    ${show(tcpdump)}   ${(median(tcpdump) / median(wglab)).toFixed(1)} × (reach 5)`,
  );
  console.log(
    `wglab, full decoding     ${show(decoding)}   ${(frames / median(decoding) / 1e6).toFixed(2)} M packets/s`,
  );
  console.log(
    `${frames} frames, ${sightings} sightings, ${split} of split markers, ${unsearched} times something was not searched`,
  );
  console.log(`full decoding: peak ${JSON.parse(decoded).peakMegabytes.toFixed(0)} MB`);
}

function run(command: string, args: readonly string[]): string {
  const env = { ...process.env, LC_ALL: 'C' };
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
    env,
  });
}

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function show(values: readonly number[]): string {
  return `${median(values).toFixed(2)} s`;
}
