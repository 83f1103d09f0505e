import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Bench, type Row, summary } from '../measure.ts';

/** Reading 200 MB with 20 markers, next to tshark and tcpdump: bench/read-pcap.ts measures, its words are read here. */
export function readingCaptures(bench: Bench): Row[] {
  const program = fileURLToPath(new URL('./read-pcap.mjs', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`reading captures ended with ${status}:\n${stderr}`);
  bench.tell(stdout);
  const figures = (line: RegExp): number[] => {
    const found = line.exec(stdout);
    if (!found) throw new Error(`no line like ${line} in:\n${stdout}`);
    return found.slice(1).map(Number);
  };
  const [seconds = 0, peak = 0] = figures(/^wglab, \d+ markers\s+([\d.]+) s\s+peak (\d+) MB/m);
  const [tshark = 0, overTshark = 0] = figures(/^tshark.*?([\d.]+) s\s+([\d.]+) ×/m);
  const [tcpdump = 0, overTcpdump = 0] = figures(/^tcpdump.*?([\d.]+) s\s+([\d.]+) ×/m);
  const against = (what: string, other: number, ratio: number, atLeast: number): Row => ({
    measure: 'reading a 200 MB pcap for 20 markers',
    unit: 's',
    wglab: summary([seconds]),
    against: { what, summary: summary([other]) },
    ratio: { ...summary([ratio]), faster: true },
    reach: `≥ ${atLeast} × as fast`,
    reached: ratio >= atLeast,
  });
  return [
    against('`tshark -Y "frame contains …"`, 1 marker', tshark, overTshark, 3),
    against('`tcpdump -A \\| grep -E`, 20 markers', tcpdump, overTcpdump, 5),
    { measure: 'memory of that', unit: 'MB', wglab: summary([peak]), reach: '< 200 MB', reached: peak < 200 },
  ];
}
