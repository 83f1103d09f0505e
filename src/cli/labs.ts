import type { Context } from './context.ts';
export async function labsCommand(_context: Context) {
  return undefined;
}
