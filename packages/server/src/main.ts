/** The server process: environment in, signals and exit codes out. */
import { writeSync } from 'node:fs';
import { EXIT_CONFIG } from '@opmas/protocol';
import { startApp } from './app.ts';
import { environmentFaults } from './features/configs/index.ts';
import { systemClock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import { systemIds } from './kernel/ids.ts';
import { processLog } from './platform/log.ts';
import { readSettings } from './settings.ts';

/** A stop that takes longer than this is cut off: what was acknowledged is stored by then. */
const STOP_MS = 15_000;

const result = readSettings(process.env, process.cwd());
if (!result.ok) {
  for (const error of result.errors) process.stderr.write(`${error}\n`);
  process.exit(EXIT_CONFIG);
}
const { settings } = result;
const faults = environmentFaults(settings.agentEnvironment, settings.nats.url);
for (const { path, message } of faults) {
  process.stderr.write(`OPMAS_AGENT_*: agents' ${path || 'configuration'}: ${message}\n`);
}
if (faults.length > 0) process.exit(EXIT_CONFIG);
const logger = processLog({ level: settings.logLevel, env: settings.env });

process.on('unhandledRejection', (reason) => {
  logger.fatal({ err: reason }, 'unhandled rejection: a bug; the server stops to be started clean');
  process.exit(1);
});
process.on('uncaughtException', (error) => {
  logger.fatal({ err: error }, 'uncaught exception: a bug; the server stops to be started clean');
  process.exit(1);
});

try {
  const app = await startApp({ settings, logger, clock: systemClock, ids: systemIds });
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), STOP_MS).unref();
    app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: messageOf(error) }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  logger.info({ url: app.url }, 'ready');
  if (settings.readyFd !== undefined) {
    const line = { ready: true, url: app.url, setup_url: app.setupUrl ?? null };
    writeSync(settings.readyFd, `${JSON.stringify(line)}\n`);
  }
} catch (error) {
  logger.fatal({ err: error }, `cannot start: ${messageOf(error)}`);
  process.exit(1);
}
