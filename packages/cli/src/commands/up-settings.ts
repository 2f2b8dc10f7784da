/** The settings of `opmas up` as its command line and environment give them. */
import { readSettings, type Settings } from '@opmas/launcher';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Run } from '../run.ts';

/** @throws {CliError} usage, with every fault of the settings */
export function settingsOf(run: Run): Settings {
  const { io } = run;
  const settings = readSettings(settingsEnvironment(run), io.cwd);
  if (settings.ok) return settings.value;
  const faults = settings.errors.map(({ path, message }) =>
    message.includes(path) || path === '' ? message : `${path} ${message}`,
  );
  throw new CliError(EXIT.usage, faults.join('\n'), {
    fix: 'docs/reference/settings.md lists the settings.',
  });
}

/** The environment with what the command line says instead, and without what only the command line reads. */
export function settingsEnvironment({
  io,
  options,
  dataDir,
}: Run): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = { ...io.env, OPMAS_DATA_DIR: dataDir };
  for (const name of ['OPMAS_URL', 'OPMAS_TOKEN', 'OPMAS_CALLER_DIR']) delete env[name];
  const from = [
    ['agents', 'OPMAS_AGENTS_DIR'],
    ['port', 'OPMAS_HTTP_PORT'],
    ['syslogPort', 'OPMAS_SYSLOG_PORT'],
  ] as const;
  for (const [option, name] of from) {
    const value = options.text(option);
    if (value !== undefined) env[name] = value;
  }
  return env;
}
