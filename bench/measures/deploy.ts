import { type Bench, type Row, ratio, type Summary, sideBySide } from '../measure.ts';

const LAB = 'bench-deploy';
const ALONE = ['unshare', '--net', '--mount', '--fork', '--pid', '--mount-proc', '--kill-child'];

/**
 * A whole lab, ready to verify, next to the bare network of one: each made, and each made and removed again until nothing of it is
 * left. How long the script takes to make it hangs on whether the kernel still removes what was there before, and differs threefold.
 */
export function deploying(bench: Bench): Row[] {
  const script = (...options: string[]) => bench.run([...ALONE, 'bash', 'bench/bare-network.sh', ...options]);
  const deploy = () => bench.wglab('deploy', '--name', LAB);
  const destroy = () => bench.wglab('destroy', LAB);
  script('--check'); // it is a network, and not only fast
  const made = sideBySide(
    bench.rounds(7),
    () => {
      const seconds = deploy();
      destroy();
      return seconds;
    },
    () => script(),
  );
  const removed = sideBySide(
    bench.rounds(7),
    () => deploy() + destroy(),
    () => script('--remove'),
  );
  return [
    ...row('`wglab deploy`, 3 nodes, ready to verify', 'the network alone, made by a script with `ip -batch`', made, {
      reach: '≤ 10 ×, < 1.5 s',
      reached: (wglab, ratios) => ratios.median <= 10 && wglab.median < 1.5,
    }),
    ...row('`wglab deploy` and `destroy`', 'the network alone, made by that script and removed', removed),
  ];
}

function row(
  measure: string,
  what: string,
  [wglab, script]: Summary[],
  aim?: { reach: string; reached: (wglab: Summary, ratios: Summary) => boolean },
): Row[] {
  if (!wglab || !script) return [];
  const ratios = ratio(wglab, script);
  const against = { what, summary: script };
  const judged = aim ? { reach: aim.reach, reached: aim.reached(wglab, ratios) } : {};
  return [{ measure, unit: 's', wglab, against, ratio: ratios, ...judged }];
}
