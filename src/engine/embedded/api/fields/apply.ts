import type { Call, Reply } from '../context.ts';
import type { JsonObject } from '../schema/json.ts';
import { badRequest } from '../status.ts';

export async function applyObject(_object: JsonObject, _text: string, _call: Call): Promise<Reply> {
  throw badRequest('server-side apply: not yet');
}
