/** A regular expression from a person. It takes time in proportion to the text, whatever the two look like. */
export interface Pattern {
  isIn(text: string): boolean;
  /** Returns the text with everything that matches passed through a function. */
  mark(text: string, paint: (found: string) => string): string;
}

/**
 * Returns the pattern of a regular expression in RE2's syntax, in which upper and lowercase are the same. Throws an error that says
 * what is wrong with it.
 */
export async function compilePattern(expression: string): Promise<Pattern> {
  const { RE2JS } = await import('./re2.ts');
  const compiled = RE2JS.compile(expression, RE2JS.CASE_INSENSITIVE);
  return {
    isIn: (text) => compiled.matcher(text).find(),
    mark(text, paint) {
      const matcher = compiled.matcher(text);
      let marked = '';
      let end = 0;
      while (matcher.find()) {
        marked += text.slice(end, matcher.start()) + paint(text.slice(matcher.start(), matcher.end()));
        end = matcher.end();
      }
      return marked + text.slice(end);
    },
  };
}
