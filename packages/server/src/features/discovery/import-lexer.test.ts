/** Imports are read from any source, and no source stops the next one from being read. */
import { afterEach, expect, test } from 'vitest';
import { createImportLexer } from './import-lexer.ts';

const lexer = createImportLexer();
afterEach(() => lexer.rest());
const lex = (source: string, typescript = true) => lexer.importsOf({ source, typescript });

test('every static form is found with its line; types and dynamic imports are not', async () => {
  const source = `import type { T } from 'types-only';
import { type U } from 'kept';
import a, * as b from './a.ts';
import 'side-effect';
export * from 'star';
export { x } from "named";
const lazy = await import('lazy');
const fake = "import 'text'"; // import 'comment'
import data from './d.json' with { type: 'json' };
`;
  expect(await lex(source)).toEqual({
    ok: true,
    imports: [
      { specifier: 'kept', line: 2 },
      { specifier: './a.ts', line: 3 },
      { specifier: 'side-effect', line: 4 },
      { specifier: 'star', line: 5 },
      { specifier: 'named', line: 6 },
      { specifier: './d.json', line: 9 },
    ],
  });
});

test('what the runtime could not run is a fault with its line', async () => {
  expect(await lex('let a = 1;\nenum X { A }')).toMatchObject({
    ok: false,
    broken: false,
    line: 2,
  });
  expect(await lex('let a = ;')).toMatchObject({ ok: false, broken: false, line: 1 });
  expect(await lex('import {', false)).toMatchObject({ ok: false, broken: false });
});

test('nesting that breaks the parser breaks nothing after it', async () => {
  const deep = (n: number) => `let a = ${'('.repeat(n)}1${')'.repeat(n)}`;
  expect(await lex(deep(100_000))).toMatchObject({ ok: false });
  expect(await lex(`let a = ${'!'.repeat(500_000)}1`)).toMatchObject({ ok: false });
  expect(await lex("import 'x'")).toEqual({ ok: true, imports: [{ specifier: 'x', line: 1 }] });
});

test('a source that takes too long is given up', async () => {
  const impatient = createImportLexer(1);
  expect(
    await impatient.importsOf({ source: 'let a = 1;\n'.repeat(50_000), typescript: true }),
  ).toMatchObject({
    ok: false,
    broken: true,
  });
  await impatient.rest();
});
