import * as z from 'zod/mini';
import { messageOf } from '../errors.ts';
import { onlyDocument, parseDocuments } from './document.ts';
import { inputFailure, type Place } from './problem.ts';
import { check } from './schema.ts';

/** A condition that must hold after a step: the command that finds out, and the text for the learner if it does not hold. */
export interface Condition {
  /** A shell command. */
  run: string;
  /** A regular expression that its output must match; `^` and `$` are the ends of lines. */
  prints?: string;
  /** One that its output must not match. */
  lacks?: string;
  /** The exit status that it must end with. */
  status: number;
  otherwise: string;
  place: Place;
}

/** Reads the conditions in the YAML of a check block, whose fence is in the line of `place`. Throws a usage failure with places. */
export function conditionsOf(yaml: string, { file, line }: Place): Condition[] {
  // The empty lines make places in it places in the file.
  const documents = parseDocuments('\n'.repeat(line) + yaml, file);
  if (documents.length === 0) {
    const remedy = 'Write a list of conditions: `- run: …`, and `otherwise: …` below it.';
    throw inputFailure([{ place: { file, line, column: 1 }, message: 'this check says nothing', remedy }]);
  }
  const document = onlyDocument(documents, file);
  return check(document, checkSchema, 'check').map(({ status, prints, lacks, ...condition }, i) => ({
    ...condition,
    ...(prints !== undefined && { prints }),
    ...(lacks !== undefined && { lacks }),
    status: status ?? 0,
    place: document.placeOf([i]),
  }));
}

/** Returns the regular expression of a condition. */
export function patternOf(source: string): RegExp {
  return new RegExp(source, 'm');
}

const text = z.string().check(z.regex(/\S/, 'must not be empty'));

const pattern = text.check((context) => {
  try {
    patternOf(context.value);
  } catch (error) {
    const message = `is no regular expression: ${messageOf(error).replace(/^.*: /s, '')}`;
    context.issues.push({ code: 'custom', message, input: context.value });
  }
});

const LARGEST_STATUS = 255;
const inRange = 'must be from 0 to 255';

export const checkSchema = z
  .array(
    z.strictObject({
      run: text,
      prints: z.optional(pattern),
      lacks: z.optional(pattern),
      status: z.optional(z.int().check(z.minimum(0, inRange), z.maximum(LARGEST_STATUS, inRange))),
      otherwise: text,
    }),
  )
  .check(z.minLength(1, 'must have at least one condition'));
