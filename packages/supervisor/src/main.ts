/** opmas-host, the process: reads the environment, owns signals and exit codes. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, realpathSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bus, connectBus, systemInbox } from '@opmas/bus';
import { EXIT_CONFIG } from '@opmas/protocol';
import { pino } from 'pino';
import { stateRoot } from './agent-files.ts';
import { authoritiesOfAgents } from './authorities.ts';
import { busLink } from './bus-link.ts';
import { createHost } from './host.ts';
import { takeLock } from './host-lock.ts';
import { type Log, systemClock } from './link.ts';
import { processRunner } from './runners/process.ts';
import { processTable } from './runners/process-table.ts';
import { createSandbox, noSandbox } from './sandbox/sandbox.ts';
import { readSettings, type Settings } from './settings.ts';

/** A refused connection is tried again after so long: the agents need their host meanwhile. */
const CONNECT_AGAIN_MS = 2_000;

const result = readSettings(process.env);
if (result.ok) await run(result.settings);
else {
  for (const error of result.errors) console.error(error);
  process.exitCode = EXIT_CONFIG;
}

async function run(settings: Settings): Promise<void> {
  const { hostId } = settings;
  const log = pino(
    { level: settings.logLevel, base: { part: 'host', host_id: hostId } },
    pino.destination({ dest: 1, sync: true }),
  );
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = realpathSync(settings.dataDir);
  const table = processTable();
  const lock = takeLock(join(dataDir, 'run', 'host.lock'), table);
  if (!lock.ok) {
    log.fatal(`another opmas-host (${lock.holder}) runs in ${dataDir}: stop it first`);
    process.exitCode = 1;
    return;
  }
  process.on('exit', lock.release);

  const stateDir = stateRoot(dataDir);
  const { agentRunner: runnerScript } = settings;
  const sandbox =
    settings.agentSandbox === 'on'
      ? await createSandbox({ dataDir, runnerScript, log })
      : noSandbox;
  log.info({ confined: sandbox.level }, 'agents are confined');
  const authorities = authoritiesOfAgents({ source: settings.caFile, stateDir, log });
  const runner = authorities.given(processRunner({ runnerScript, stateDir, table, sandbox }));
  const link = busLink(hostId, log);
  const host = createHost({
    hostId,
    dataDir,
    bootId: table.bootId(),
    runner,
    link,
    log,
    clock: systemClock,
    random: Math.random,
    newId: randomUUID,
  });

  const calledOff = new AbortController();
  let bus: Bus | undefined;
  const end = async (agents: 'stop' | 'leave') => {
    if (calledOff.signal.aborted) return;
    calledOff.abort();
    log.info({ agents }, 'ending');
    await host.stop({ agents });
    runner.close();
    authorities.close();
    await link.close();
    await bus?.drain();
    process.exit(0);
  };
  const endLogged = (agents: 'stop' | 'leave') => {
    end(agents).catch((error: unknown) => {
      log.fatal({ err: error }, 'could not end in order');
      process.exit(1);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => endLogged('stop'));
  }
  process.on('SIGUSR2', () => endLogged('leave'));

  const connecting = connect(settings, log, calledOff.signal).then((connected) => {
    bus = connected;
    if (connected !== undefined) link.attach(connected);
  });
  await Promise.all([host.start(), connecting]);
  log.info({ pid: process.pid }, 'ready');
  if (settings.readyFd !== undefined) tellReady(settings.readyFd, hostId, log);
}

/** Undefined when it was called off. */
async function connect(
  settings: Settings,
  log: Log,
  signal: AbortSignal,
): Promise<Bus | undefined> {
  const { natsUrl, natsCreds, natsCa, hostId } = settings;
  while (!signal.aborted) {
    try {
      return await connectBus({
        url: natsUrl,
        name: `opmas-host ${hostId}`,
        inboxPrefix: systemInbox.host(hostId),
        ...(natsCreds === undefined ? {} : { credsFile: natsCreds }),
        ...(natsCa === undefined ? {} : { tlsCaFile: natsCa }),
        logger: log,
        signal,
      });
    } catch (error) {
      if (signal.aborted) break;
      log.error({ err: error }, 'the broker does not let the host in; trying again');
      await sleep(CONNECT_AGAIN_MS);
    }
  }
  return undefined;
}

function tellReady(descriptor: number, hostId: string, log: Log): void {
  try {
    writeSync(
      descriptor,
      `${JSON.stringify({ ready: true, host_id: hostId, pid: process.pid })}\n`,
    );
  } catch (error) {
    log.warn({ err: error }, 'nobody reads the ready line');
  }
}
