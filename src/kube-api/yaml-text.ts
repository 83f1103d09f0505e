import { Failure, messageOf } from '../errors.ts';
import { onlyDocument, parseDocuments } from '../lab/document.ts';
import { JsonError } from './json-text.ts';
import { measure } from './schema/depth.ts';

/** The parser takes some 5 ms for each KiB, and nothing else of the cluster moves meanwhile. kubectl itself sends JSON. */
const LONGEST = 512 * 1024;

/**
 * Turns YAML into the JSON text of the same value, as Kubernetes does before it reads anything. Throws JsonError if it is
 * malformed, nested too deep, too long, or longer than `largest` once its aliases are replaced by what they stand for.
 */
export function yamlToJson(text: string, largest: number): string {
  if (text.length > LONGEST) throw new JsonError(`YAML is limited to ${LONGEST} characters here; send JSON`);
  const value = parse(text);
  if (measure(value, largest).size > largest) throw new JsonError('document contains excessive aliasing');
  return JSON.stringify(value);
}

function parse(text: string): unknown {
  try {
    return onlyDocument(parseDocuments(text, 'yaml'), 'yaml').value;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new JsonError(messageOf(error));
  }
}
