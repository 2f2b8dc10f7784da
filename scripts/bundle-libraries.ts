/** Packs what OPMAS uses of libraries of very many modules into one file each; run it when they change. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '..');

/** Builders of schemas that OPMAS uses; `generated/typebox.d.ts` has their types. */
const BUILDERS =
  'Array Boolean Enum Integer Intersect Literal Null Number Object Optional Record String Tuple Union Unknown'.replaceAll(
    ' ',
    ', ',
  );

export interface Bundle {
  library: string;
  /** The module that is packed, with everything it imports. */
  entry: string;
  path: string;
}

export const BUNDLES: readonly Bundle[] = [
  {
    library: 'typebox',
    entry: `
import { ${BUILDERS} } from 'typebox';
export const Type = { ${BUILDERS} };
export { Compile } from 'typebox/compile';
export { IsDateTime, Set as setFormat } from 'typebox/format';
`,
    path: join(ROOT, 'packages/protocol/src/generated/typebox.js'),
  },
  {
    library: 'kysely',
    entry: `export { Kysely, PostgresDialect, sql } from 'kysely';`,
    path: join(ROOT, 'packages/server/src/kernel/generated/kysely.js'),
  },
];

/** The text of the file: the same for the same versions of library and bundler. */
export async function textOf({ library, entry, path }: Bundle): Promise<string> {
  const start = `${path}.entry.js`;
  const bundle = await rolldown({
    input: start,
    platform: 'node',
    logLevel: 'silent',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === start ? id : null),
        load: (id) => (id === start ? entry : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return `${banner(library)}\n${output[0].code}`;
}

function banner(library: string): string {
  const folder = join(ROOT, 'node_modules', library);
  const licence = readFileSync(join(folder, library === 'typebox' ? 'license' : 'LICENSE'), 'utf8');
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) {
    throw new Error(`${library} has no version`);
  }
  return `// biome-ignore-all format: made by scripts/bundle-libraries.ts; do not edit
// biome-ignore-all assist: made by scripts/bundle-libraries.ts
/* oxlint-disable */
/*! ${library} ${String(manifest.version)}\n\n${licence.trim()}\n*/`;
}

if (import.meta.main) {
  for (const bundle of BUNDLES) writeFileSync(bundle.path, await textOf(bundle));
}
