/** Packs what OPMAS uses of typebox into one file; run it after a change of typebox's version. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '..');
export const BUNDLE = join(ROOT, 'packages/protocol/src/generated/typebox.js');

/** Builders of schemas that OPMAS uses; `packages/protocol/src/typebox.ts` has their types. */
const BUILDERS =
  'Array Boolean Enum Integer Intersect Literal Null Number Object Optional Record String Tuple Union Unknown'.split(
    ' ',
  );

const ENTRY = `
import { ${BUILDERS.join(', ')} } from 'typebox';
export const Type = { ${BUILDERS.join(', ')} };
export { Compile } from 'typebox/compile';
export { IsDateTime, Set as setFormat } from 'typebox/format';
`;

/** The bundle's text: the same for the same versions of typebox and the bundler. */
export async function bundleTypebox(): Promise<string> {
  const entry = join(ROOT, 'packages/protocol/src/typebox-entry.js');
  const bundle = await rolldown({
    input: entry,
    platform: 'neutral',
    logLevel: 'silent',
    plugins: [
      {
        name: 'entry',
        load: (id) => (id === entry ? ENTRY : null),
        resolveId: (id) => (id === entry ? id : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return `${banner()}\n${output[0].code}`;
}

function banner(): string {
  const licence = readFileSync(join(ROOT, 'node_modules/typebox/license'), 'utf8').trim();
  return `// biome-ignore-all format: made by scripts/bundle-typebox.ts; do not edit
// biome-ignore-all assist: made by scripts/bundle-typebox.ts
/* oxlint-disable */
/*! typebox ${versionOf('typebox')}\n\n${licence}\n*/`;
}

function versionOf(name: string): string {
  const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  const manifest: unknown = JSON.parse(text);
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new Error(`${name} has no version`);
}

if (import.meta.main) writeFileSync(BUNDLE, await bundleTypebox());
