import type { Context } from './context.ts';
export async function smokeCommand(_context: Context) { return undefined; }
