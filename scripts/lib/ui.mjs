/** Builds the web page when its sources are not those of the last build. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, textOf } from './files.mjs';
import { run } from './say.mjs';

/** @param {string} root @param {string} node path of a Node ≥ 24 */
export async function ensureUi(root, node) {
  const ui = join(root, 'packages', 'ui');
  if (!existsSync(join(ui, 'index.html'))) return;
  const sources = [
    ui,
    join(root, 'packages', 'client'),
    join(root, 'packages', 'protocol'),
    join(root, 'package-lock.json'),
  ];
  const stamp = `${hashOf(sources)}\n`;
  const stampFile = join(ui, 'dist', '.opmas-stamp');
  if (textOf(stampFile) === stamp && existsSync(join(ui, 'dist', 'index.html'))) return;
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--logLevel', 'error'];
  const env = { ...process.env, NODE_ENV: 'production' };
  await run('Building the web page', node, args, { cwd: ui, env });
  writeFileSync(stampFile, stamp);
}
