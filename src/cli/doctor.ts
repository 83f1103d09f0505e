import type { Context } from './context.ts';
export async function doctorCommand(_context: Context) {
  return undefined;
}
