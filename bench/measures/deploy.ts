import { type Bench, type Row, ratio, sideBySide } from '../measure.ts';

const LAB = 'bench-deploy';

/** A whole lab, ready to verify, next to the bare network of one; each is gone again before the next begins. */
export function deploying(bench: Bench): Row[] {
  const alone = ['unshare', '--net', '--mount', '--fork', '--pid', '--mount-proc', '--kill-child'];
  const bare = () => bench.run([...alone, 'bash', 'bench/bare-network.sh']);
  bench.run([...alone, 'bash', 'bench/bare-network.sh', '--check']); // it is a network, and not only fast
  const [wglab, script] = sideBySide(
    bench.rounds(7),
    () => {
      const seconds = bench.wglab('deploy', '--name', LAB);
      bench.wglab('destroy', LAB);
      return seconds;
    },
    bare,
  );
  if (!wglab || !script) return [];
  const ratios = ratio(wglab, script);
  return [
    {
      measure: '`wglab deploy`, 3 nodes, ready to verify',
      unit: 's',
      wglab,
      against: { what: 'the network alone, by a script with `ip -batch`', summary: script },
      ratio: ratios,
      reach: '≤ 10 ×, < 1.5 s',
      reached: ratios.median <= 10 && wglab.median < 1.5,
    },
  ];
}
