/** Says how long ago the oldest of some handshakes was; times are seconds since 1970, and 0 is never. */
export function latestHandshake(times: readonly number[]): string {
  if (times.length === 0) return '-';
  if (times.includes(0)) return 'missing';
  return `${Math.max(0, Math.round(Date.now() / 1000 - Math.min(...times)))} s ago`;
}
