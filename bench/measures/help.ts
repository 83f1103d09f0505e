import { type Bench, type Row, ratio, sideBySide } from '../measure.ts';

/** How long until a person who asks sees an answer: next to what Node itself needs to start. */
export function help(bench: Bench): Row[] {
  const [wglab, node] = sideBySide(
    bench.rounds(20),
    () => bench.wglab('--help'),
    () => bench.run([process.execPath, '-e', '0']),
  );
  if (!wglab || !node) return [];
  const ratios = ratio(wglab, node);
  return [
    {
      measure: '`wglab --help`',
      unit: 's',
      wglab,
      against: { what: '`node -e 0`', summary: node },
      ratio: ratios,
      reach: '≤ 1.5 ×',
      reached: ratios.median <= 1.5,
    },
  ];
}
