import { type Bench, type Row, sideBySide } from '../measure.ts';

/** Everything once: deploy, three proofs, on, off, destroy. */
export function smoke(bench: Bench): Row[] {
  const [wglab] = sideBySide(bench.rounds(3), () => bench.wglab('smoke', '--name', 'bench-smoke'));
  if (!wglab) return [];
  return [{ measure: '`wglab smoke`, whole', unit: 's', wglab, reach: '< 8 s', reached: wglab.median < 8 }];
}
