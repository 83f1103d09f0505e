import { type Bench, type Row, ratio, sideBySide } from '../measure.ts';

const LAB = 'bench-status';

/** `status` looks into every node as well; kubectl only asks the API. */
export function status(bench: Bench): Row[] {
  bench.wglab('deploy', '--name', LAB);
  try {
    const [wglab, kubectl] = sideBySide(
      bench.rounds(15),
      () => bench.wglab('status', LAB),
      () => bench.run(['kubectl', 'get', 'nodes,pods', '-A'], LAB),
    );
    if (!wglab || !kubectl) return [];
    const ratios = ratio(wglab, kubectl);
    return [
      {
        measure: '`wglab status`, 3 nodes',
        unit: 's',
        wglab,
        against: { what: '`kubectl get nodes,pods -A`', summary: kubectl },
        ratio: ratios,
        reach: '≤ 4 ×',
        reached: ratios.median <= 4,
      },
    ];
  } finally {
    bench.wglab('destroy', LAB);
  }
}
