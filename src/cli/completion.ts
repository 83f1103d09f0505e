import type { Context } from './context.ts';
export async function completionCommand(_context: Context) {
  return undefined;
}
