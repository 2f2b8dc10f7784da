/**
 * Makes a fresh clone ready to run, and does nothing when it is: npm packages, Node 24, nats-server,
 * the web page; with --test also Chromium. Runs on any Node ≥ 18, without node_modules.
 * Standard output: the paths of Node, nats-server and Chromium (or an empty line), one a line.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from './lib/chromium.mjs';
import { ensureNats } from './lib/nats.mjs';
import { findNode } from './lib/node24.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { SetupError, say } from './lib/say.mjs';
import { ensureUi } from './lib/ui.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const forTests = process.argv.includes('--test');
// A command such as `opmas findings ls` needs no broker and no page of this machine.
const forCommand = process.argv.includes('--command');

async function main() {
  await ensurePackages(root);
  const node = findNode(root);
  const dataDir = resolve(root, process.env.OPMAS_DATA_DIR || '.opmas');
  const ownBroker = forTests || (!forCommand && !process.env.OPMAS_NATS_URL);
  const nats = ownBroker ? await ensureNats(dataDir) : '';
  if (!forCommand) await ensureUi(root, node);
  const chromium = forTests ? await ensureChromium() : '';
  process.stdout.write(`${node}\n${nats}\n${chromium}\n`);
}

main().catch((error) => {
  say(error instanceof SetupError ? error.message : String(error?.stack ?? error));
  if (error instanceof SetupError && error.fix !== undefined) say(`→ ${error.fix}`);
  process.exitCode = 1;
});
