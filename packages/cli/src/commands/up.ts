/** `opmas up`: runs everything until Ctrl-C, SIGTERM or a closed terminal. */
import { describeProgress, LaunchError, readSettings, up } from '@opmas/launcher';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';

export async function upCommand(io: Io): Promise<ExitCode> {
  const settings = readSettings(io.env, io.cwd);
  if (!settings.ok) {
    for (const { path, message } of settings.errors)
      io.error(path ? `${path}: ${message}` : message);
    return EXIT.usage;
  }
  const abort = new AbortController();
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        abort.abort();
        resolve();
      });
    }
  });
  try {
    const running = await up(settings.value, {
      signal: abort.signal,
      onProgress: (progress) => {
        const line = describeProgress(progress);
        if (line !== undefined) io.note(line);
      },
    });
    if (running.url !== null) io.print(`OPMAS is ready: ${running.url}`);
    if (running.setupUrl !== null) io.print(`First sign-in (one-time link): ${running.setupUrl}`);
    if (running.syslog !== null) {
      const { host, udp_port, tcp_port } = running.syslog;
      io.note(`syslog in: udp ${host}:${udp_port}, tcp ${host}:${tcp_port}`);
    }
    await signalled;
    io.note('stopping');
    await running.stop();
    return EXIT.ok;
  } catch (error) {
    if (abort.signal.aborted) return EXIT.interrupted;
    if (!(error instanceof LaunchError)) throw error;
    io.error(error.message);
    io.error(error.fix);
    return EXIT.failed;
  }
}
