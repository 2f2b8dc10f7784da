/** What `module.ts` has to be: a test compares, `build.ts` writes. */
import { program } from './program.ts';

export function moduleSource(): string {
  const base64 = Buffer.from(program()).toString('base64');
  const lines = base64.match(/.{1,96}/g) ?? [];
  return `/** The scan in WebAssembly, assembled from \`program.ts\` by \`build.ts\`: not to be edited. */
export const MODULE_BASE64: string = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('');
`;
}
