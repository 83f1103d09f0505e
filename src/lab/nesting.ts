/** No file that people write comes near: the CRDs with the deepest schemas have some 60 levels. */
const LEVELS = 200;

/**
 * Returns the first node that is nested deeper than any reader should follow, or undefined. Works without recursion and before
 * anything recurses: V8 may end the whole process, past every catch, if the stack is used up while it compiles a regular expression.
 */
export function tooDeep<T>(roots: readonly T[], childrenOf: (node: T) => readonly T[]): T | undefined {
  const open = roots.map((node) => ({ node, level: 1 }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, level } = next;
    if (level > LEVELS) return node;
    for (const child of childrenOf(node)) open.push({ node: child, level: level + 1 });
  }
  return undefined;
}
