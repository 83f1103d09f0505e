import { cpus, loadavg, release, totalmem } from 'node:os';

/** Returns one line about the machine that the figures come from; the load says how far to trust them. */
export function machine(): string {
  const [cpu] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0]?.toFixed(1);
  const parts = [`${cpus().length} × ${cpu?.model.trim() || 'unknown CPU'}`, `${gigabytes} GiB`, `Linux ${release()}`];
  return [...parts, `Node ${process.version}`, `load ${load} at the start`].join(', ');
}
