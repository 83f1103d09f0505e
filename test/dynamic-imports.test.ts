import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('every module that is loaded when it is first needed is one of ours', () => {
  // A bundler gives a package that is loaded so other names than Node does: only the bundle breaks.
  const offenders = readdirSync('src', { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    if (!name.endsWith('.ts')) return [];
    const file = join('src', name);
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    const calls = [...code.matchAll(/(?<!typeof )\bimport\(\s*([^)]*)\)(\.\w+)?/g)];
    // `import('x').Type` is a type, and no module is loaded.
    const loaded = calls.filter(([, , member]) => member === undefined || member === '.then' || member === '.catch');
    return loaded.filter(([, target = '']) => !/^'\.{1,2}\//.test(target)).map(([text]) => `${file}: ${text}`);
  });
  expect(offenders).toEqual([]);
});
