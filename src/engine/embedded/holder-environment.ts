/** What the engine and the programs that it starts may know of a person's environment. */
const KEPT = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TZ', 'TERM', 'COLORTERM', 'LANG', 'LANGUAGE'],
  // Of Node itself: where it keeps compiled code, and where it counts what ran.
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
