/** Installs the npm packages when, and only when, they are not what the lock file says. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, textOf } from './files.mjs';
import { run, SetupError } from './say.mjs';

/** @param {string} root the repository */
export async function ensurePackages(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const platform = `${process.platform}-${process.arch}`;
  const stamp = `${createHash('sha256').update(lock).digest('hex')} ${platform}\n`;
  const stampFile = join(root, 'node_modules', '.opmas-stamp');
  if (textOf(stampFile) === stamp) return;
  if (!isInstalled(root, JSON.parse(lock.toString('utf8')))) {
    refuseWhileRunning(root);
    const npm = process.env.npm_execpath;
    const [file, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
    // Whatever NODE_ENV says: the page is built and the tests are run with these packages.
    const args = ['ci', '--include=dev', '--include=optional', '--no-progress', '--loglevel=error'];
    await run('Installing npm packages (a minute the first time)', file, [...first, ...args], {
      cwd: root,
      env: installEnvironment(),
    });
  }
  writeFileSync(stampFile, stamp);
}

/** npm hands its own configuration down as npm_config_*; what `npm test --silent` set is not for `npm ci`. */
function installEnvironment() {
  const env = { ...process.env };
  for (const name of ['npm_config_omit', 'npm_config_only', 'npm_config_production', 'NODE_ENV']) {
    delete env[name];
  }
  return env;
}

/** Does node_modules, installed by hand perhaps, hold what the lock file asks for on this machine? */
function isInstalled(root, lock) {
  const found = jsonOf(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (found === undefined) return false;
  return Object.entries(lock.packages).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    if (entry.link) return existsSync(join(root, path));
    if (entry.optional && !isForThisMachine(entry)) return true;
    return found[path]?.version === entry.version && existsSync(join(root, path));
  });
}

/** Only where it can be told: an optional package without a platform is part of another's. */
function isForThisMachine({ os, cpu, libc }) {
  if (libc !== undefined || (os === undefined && cpu === undefined)) return false;
  return allows(os, process.platform) && allows(cpu, process.arch);
}

function allows(names, value) {
  if (names === undefined) return true;
  const list = [names].flat();
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.every((one) => one.startsWith('!'));
}

/** `npm ci` empties node_modules first: under a running OPMAS that would pull the floor away. */
function refuseWhileRunning(root) {
  const pid = jsonOf(join(root, process.env.OPMAS_DATA_DIR ?? '.opmas', 'run', 'up.json'))?.pid;
  if (!Number.isInteger(pid) || !existsSync(join('/proc', String(pid)))) return;
  if (!existsSync(join(root, 'node_modules'))) return;
  if (!(textOf(`/proc/${pid}/cmdline`) ?? '').includes(root)) return;
  throw new SetupError(
    `The npm packages must be installed anew, and OPMAS runs on them (process ${pid}).`,
    'npm run opmas -- down',
  );
}
