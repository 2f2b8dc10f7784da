/** `opmas up`: runs everything until Ctrl-C, SIGTERM or a closed terminal. */
import { describeProgress, up as launch, readSettings, type Settings } from '@opmas/launcher';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';

export async function up(run: Run): Promise<ExitCode> {
  if (run.options.flag('watch')) return (await import('./up-watch.ts')).watch(run);
  const { io, out } = run;
  const settings = settingsOf(run);
  const signal = io.onInterrupt();
  const signalled = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  let running: Awaited<ReturnType<typeof launch>>;
  try {
    running = await launch(settings, {
      signal,
      onProgress: (progress) => {
        const line = describeProgress(progress);
        if (line !== undefined) io.note(line);
      },
    });
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  }
  const { url, setupUrl, syslog } = running;
  if (out.json) {
    const ready = { ready: true, url, setup_url: setupUrl, syslog, data_dir: settings.dataDir };
    out.event(ready, () => '');
  } else {
    if (url !== null) io.print(`OPMAS is ready: ${url}`);
    if (setupUrl !== null) io.print(`First sign-in (one-time link): ${setupUrl}`);
    if (syslog !== null) {
      const { host, udp_port, tcp_port } = syslog;
      io.note(`syslog in: udp ${host}:${udp_port}, tcp ${host}:${tcp_port}`);
    }
  }
  await signalled;
  io.note('stopping');
  await running.stop();
  return EXIT.ok;
}

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
