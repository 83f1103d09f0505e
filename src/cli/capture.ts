import type { Context } from './context.ts';
export async function captureCommand(_context: Context) {
  return undefined;
}
