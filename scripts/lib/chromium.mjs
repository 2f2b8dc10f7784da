/** Finds a Chromium for the browser tests, or installs it where that is allowed; never skips. */
import { findProgram, isProgram, isRoot } from './files.mjs';
import { run, SetupError } from './say.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** @returns {Promise<string>} path of the program */
export async function ensureChromium() {
  const given = process.env.OPMAS_TEST_CHROMIUM;
  if (given && isProgram(given)) return given;
  const found = findProgram(NAMES, ['/usr/bin']);
  if (found !== undefined) return found;
  const apt = findProgram(['apt-get'], ['/usr/bin']);
  if (!isRoot() || apt === undefined) {
    throw new SetupError(
      'The browser tests need Chromium, and this user may not install it.',
      apt === undefined
        ? 'install Chromium, or set OPMAS_TEST_CHROMIUM to it'
        : 'sudo apt-get install chromium',
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', 'chromium'];
  try {
    await run('Installing Chromium for the browser tests', apt, install, { env });
  } catch {
    await run('Reading the package lists', apt, ['update'], { env });
    await run('Installing Chromium for the browser tests', apt, install, { env });
  }
  const installed = findProgram(NAMES, ['/usr/bin']);
  if (installed === undefined) throw new SetupError('Chromium was installed but is not on PATH.');
  return installed;
}
