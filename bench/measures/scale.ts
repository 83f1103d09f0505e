import { type Bench, type Row, sideBySide, summary } from '../measure.ts';

const SIZES = [3, 10, 20, 40];
/** The factor that noise may add to a figure that has not grown. */
const NOISE = 1.1;

/** Does a node, or a pair, of a large lab cost more than one of a small lab? Each size is held against the one before. */
export function scale(bench: Bench): Row[] {
  const works = SIZES.flatMap((nodes) => {
    const lab = `bench-${nodes}`;
    return [
      () => bench.wglab('deploy', '--name', lab, '--workers', String(nodes - 1)),
      () => bench.wglab('verify', lab, '--pairs', 'all', '--expect', 'plaintext'),
      () => bench.wglab('encrypt', 'on', lab),
      () => bench.wglab('verify', lab, '--pairs', 'all', '--expect', 'encrypted'),
      () => bench.wglab('destroy', lab),
    ];
  });
  const times = sideBySide(bench.rounds(2), ...works);
  const growing = (what: string, part: string, partsOf: (nodes: number) => number, work: number): Row[] => {
    const perPart = SIZES.map((nodes, i) => (times[i * 5 + work]?.median ?? Number.NaN) / partsOf(nodes));
    return SIZES.map((nodes, i) => {
      const before = perPart[i - 1];
      const mine = perPart[i] ?? Number.NaN;
      const seconds = times[i * 5 + work] ?? summary([]);
      const inTime = what !== 'deploy' || seconds.median < 30;
      return {
        measure: `${what}, ${nodes} nodes: ${(mine * 1000).toFixed(1)} ms a ${part}`,
        unit: 's',
        wglab: seconds,
        reach: `a ${part} costs no more than before${what === 'deploy' ? '; < 30 s' : ''}`,
        reached: inTime && (before === undefined || mine <= before * NOISE),
      };
    });
  };
  const nodes = (count: number) => count;
  const pairs = (count: number) => count * (count - 1);
  return [
    ...growing('deploy', 'node', nodes, 0),
    ...growing('verify plaintext', 'pair', pairs, 1),
    ...growing('encrypt on', 'pair', pairs, 2),
    ...growing('verify encrypted', 'pair', pairs, 3),
    ...growing('destroy', 'node', nodes, 4),
  ];
}
