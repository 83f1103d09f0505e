import { messageOf } from '../errors.ts';
import { bracketTooDeep } from './schema/depth.ts';

/** A text that is no JSON, or JSON that no object may come from. */
export class JsonError extends Error {
  /** Whether the text is no JSON at all. */
  readonly malformed: boolean;

  constructor(message: string, malformed = false) {
    super(message);
    this.name = 'JsonError';
    this.malformed = malformed;
  }
}

/** A key can be spelled with escapes too. */
const MAY_NAME_THE_PROTOTYPE = /__proto__|\\u/;

/**
 * Parses JSON that a client sent. Throws JsonError if it is malformed, nested too deep (in Go's words, as Kubernetes passes
 * them on), or has a key `__proto__`: no object of Kubernetes needs one, and each is a trap for whoever copies it.
 */
export function parseJsonText(text: string): unknown {
  const bracket = bracketTooDeep(text);
  if (bracket !== undefined) throw new JsonError(`invalid character '${bracket}' exceeded max depth`);
  try {
    return MAY_NAME_THE_PROTOTYPE.test(text) ? JSON.parse(text, refusePrototype) : JSON.parse(text);
  } catch (error) {
    throw error instanceof JsonError ? error : new JsonError(messageOf(error), true);
  }
}

function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new JsonError('the key "__proto__" is not allowed');
  return value;
}
