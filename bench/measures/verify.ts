import { type Bench, type Row, sideBySide } from '../measure.ts';

const LAB = 'bench-verify';

/** Six pairs, each with connections of its own, as plaintext and then encrypted. */
export function verifying(bench: Bench): Row[] {
  bench.wglab('deploy', '--name', LAB);
  try {
    const rows: Row[] = [];
    for (const expect of ['plaintext', 'encrypted']) {
      if (expect === 'encrypted') bench.wglab('encrypt', 'on', LAB);
      const [wglab] = sideBySide(bench.rounds(7), () => bench.wglab('verify', LAB, '--expect', expect));
      if (!wglab) continue;
      const measure = `\`wglab verify --expect ${expect}\`, 3 nodes, 6 pairs`;
      rows.push({ measure, unit: 's', wglab, reach: '< 2 s', reached: wglab.median < 2 });
    }
    return rows;
  } finally {
    bench.wglab('destroy', LAB);
  }
}
