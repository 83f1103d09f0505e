import * as z from 'zod/mini';
import { checkSchema } from './lab-check.ts';
import { frontMatterSchema } from './lab-definition.ts';

/**
 * The JSON Schema of the parts of a lab's file that are data, for editors and other programs: `frontMatter` and `check`. It says what the
 * parser checks, but for what JSON Schema cannot say: that files are there, and that regular expressions are some.
 */
export function labJsonSchema(): object {
  const part = (schema: z.ZodMiniType) => {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    return rest;
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The parts of a wglab lab that are data',
    $defs: { frontMatter: part(frontMatterSchema), check: part(checkSchema) },
    oneOf: [{ $ref: '#/$defs/frontMatter' }, { $ref: '#/$defs/check' }],
  };
}
