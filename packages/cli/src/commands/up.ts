/** `opmas up`: runs everything until Ctrl-C, SIGTERM or a closed terminal. */
import { describeProgress, up as launch } from '@opmas/launcher';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { settingsOf } from './up-settings.ts';

export async function up(run: Run): Promise<ExitCode> {
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
      const { host, udp_port, tcp_port, tls_port } = syslog;
      const over = tls_port === undefined ? '' : `, tls ${host}:${tls_port}`;
      io.note(`syslog in: udp ${host}:${udp_port}, tcp ${host}:${tcp_port}${over}`);
    }
  }
  await signalled;
  io.note('stopping');
  await running.stop();
  return EXIT.ok;
}
