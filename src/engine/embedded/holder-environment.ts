/** The variables of a person's environment that the engine and the programs that it starts may know. */
const KEPT = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TZ', 'TERM', 'COLORTERM', 'LANG', 'LANGUAGE'],
  // Node's own: the places of compiled code and of coverage.
  ...['NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE'],
]);

/**
 * Returns the variables of an environment that a lab's processes get. A list of what they may have: nobody could name all
 * that they may not, such as tokens of clouds, which a lab would keep for as long as it runs.
 */
export function holderEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (KEPT.has(name) || /^LC_[A-Z]+$/.test(name))) kept[name] = value;
  }
  return kept;
}
