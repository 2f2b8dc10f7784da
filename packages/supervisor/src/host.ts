/** The host: one keeper an agent, fed with the server's wishes, heartbeats and ends, reporting what it sees. */
import { hostname } from 'node:os';
import type { DesiredAgent, HostReport } from '@opmas/protocol';
import { agentFiles, runFilePath } from './agent-files.ts';
import { type AgentRecord, ALIVE, newRecord } from './instance.ts';
import { Keeper } from './keeper.ts';
import { limits, startsInFlight, type Timing, timing } from './limits.ts';
import type { Clock, HostLink, Log } from './link.ts';
import { rotateLog } from './log-file.ts';
import { loadRunFile, type RunState, runFile } from './run-file.ts';
import type { Runner } from './runner.ts';
import { startGate } from './start-gate.ts';

export interface HostOptions {
  hostId: string;
  /** A real path, no links in it. */
  dataDir: string;
  bootId: string;
  runner: Runner;
  link: HostLink;
  clock: Clock;
  random: () => number;
  newId: () => string;
  log: Log;
  times?: Timing;
  startsInFlight?: number;
}

export interface Host {
  /** Adopts what still runs, stops strays, and resolves when the server's wishes were acted on once. */
  start(): Promise<void>;
  report(): HostReport;
  /** Ends the host: agents are stopped, or left running for the next host to adopt. */
  stop(options: { agents: 'stop' | 'leave' }): Promise<void>;
}

export function createHost(options: HostOptions): Host {
  const { hostId, dataDir, bootId, runner, link, clock, log } = options;
  const times = options.times ?? timing;
  const keepers = new Map<
    string,
    { keeper: Keeper; unhear: () => void; cancelAbsent?: () => void }
  >();
  const gate = startGate(options.startsInFlight ?? startsInFlight());
  const startedAt = new Date(clock.now()).toISOString();
  const reconciled = Promise.withResolvers<void>();
  const ends: (() => void)[] = [];
  let opened = false;
  let ending: Promise<void> | undefined;
  let deaf: (() => void) | undefined;
  let recovery: Promise<void> = Promise.resolve();
  let cancelReport: (() => void) | undefined;

  const file = runFile(runFilePath(dataDir), (): RunState => {
    const agents = [...keepers].map(([id, { keeper }]) => [id, keeper.record] as const);
    return { version: 1, host_id: hostId, boot_id: bootId, agents: Object.fromEntries(agents) };
  });

  const keep = (record: AgentRecord): Keeper => {
    const { agent_id: id, agent_name: name } = record.desired;
    const keeper = new Keeper(record, {
      ...options,
      times,
      gate,
      files: agentFiles(dataDir, record.desired),
      save: () => file.save(),
      changed: reportSoon,
      forgotten: () => {
        const entry = keepers.get(id);
        if (entry?.keeper !== keeper) return;
        entry.unhear();
        keepers.delete(id);
        log.info({ agent: name, agent_id: id }, 'agent forgotten');
        reportSoon();
        file.save().catch(runFileFault);
      },
    });
    keepers.set(id, { keeper, unhear: link.onHeartbeat(name, (beat) => keeper.heard(beat)) });
    return keeper;
  };

  const changed = (id: string, desired: DesiredAgent | undefined) => {
    if (ending !== undefined) return;
    const entry = keepers.get(id);
    entry?.cancelAbsent?.();
    if (entry === undefined) {
      if (desired === undefined) return;
      if (keepers.size >= limits.agents) {
        log.error({ agent_id: id, limit: limits.agents }, 'this host is full: agent not taken');
        return;
      }
      const keeper = keep(newRecord(desired));
      if (opened) keeper.open();
      file.save().catch(runFileFault);
      reportSoon();
      return;
    }
    const { keeper } = entry;
    if (desired !== undefined && desired.agent_name !== keeper.record.desired.agent_name) {
      log.error(
        { agent_id: id, name: desired.agent_name },
        'an agent keeps its name: wish ignored',
      );
      return;
    }
    keeper.desire(desired);
    if (opened) keeper.open();
    file.save().catch(runFileFault);
  };

  /** A rebuilt broker starts with an empty set: what is missing is let go only if it stays missing. */
  const complete = (ids: ReadonlySet<string>) => {
    if (ending !== undefined) return;
    opened = true;
    for (const [id, entry] of keepers) {
      if (ids.has(id)) entry.keeper.open();
      else {
        entry.cancelAbsent?.();
        entry.cancelAbsent = clock.after(times.absentMs, () => changed(id, undefined));
      }
    }
    reportSoon();
    reconciled.resolve();
  };

  const report = (): HostReport => ({
    host_id: hostId,
    hostname: hostname().slice(0, 255),
    boot_id: bootId.slice(0, 64),
    pid: process.pid,
    started_at: startedAt,
    timestamp: new Date(clock.now()).toISOString(),
    instances: [...keepers.values()].map(({ keeper }) => keeper.report()),
  });

  function reportSoon(): void {
    cancelReport ??= clock.after(times.reportDebounceMs, () => {
      cancelReport = undefined;
      if (link.isUp()) link.report(report());
    });
  }

  const runFileFault = (error: unknown) =>
    log.error({ err: error }, 'the run file cannot be written');

  /** Since when heartbeats could be heard without a gap; undefined while they cannot. */
  const listening = (() => {
    let since: number | undefined;
    let lastTick: number | undefined;
    return (): number | undefined => {
      const now = clock.monotonic();
      const stalled = lastTick !== undefined && now - lastTick > times.stallMs;
      lastTick = now;
      if (!link.isUp()) since = undefined;
      else if (since === undefined || stalled) since = now;
      return since;
    };
  })();

  const tick = () => {
    const since = listening();
    for (const { keeper } of keepers.values()) keeper.tick(since);
  };

  const rotate = async () => {
    for (const { keeper } of keepers.values()) {
      await rotateLog(agentFiles(dataDir, keeper.record.desired).logFile).catch((error: unknown) =>
        log.error({ err: error, agent: keeper.record.desired.agent_name }, 'log not rotated'),
      );
    }
  };

  const recoverAll = async () => {
    const loaded = await loadRunFile(runFilePath(dataDir), hostId);
    if (loaded.kind === 'bad') log.error(loaded, 'the run file cannot be used: started without it');
    const state = loaded.kind === 'loaded' ? loaded.state : undefined;
    const known = new Set<string>();
    for (const record of Object.values(state?.agents ?? {}).slice(0, limits.agents)) {
      const { handle } = record;
      const found =
        handle !== null && ALIVE.has(record.state) ? await runner.recover(handle) : undefined;
      if (found !== undefined) known.add(found.instance_id);
      keep(record).recovered(found, state?.boot_id === bootId);
    }
    const strays = await runner.reap(known);
    log.info({ known: keepers.size, adopted: known.size, strays }, 'recovered');
    await file.save();
  };

  const act = () => {
    ends.push(
      every(clock, times.tickMs, tick, log),
      every(clock, times.reportMs, reportSoon, log),
      every(clock, times.rotateMs, rotate, log),
      link.onDesired({ changed, complete }),
      clock.after(times.desiredWaitMs, () => {
        if (opened) return;
        log.warn({}, 'no word from the broker: going on with the last desired set');
        opened = true;
        for (const { keeper } of keepers.values()) keeper.open();
      }),
    );
  };

  const end = async (agents: 'stop' | 'leave') => {
    await recovery.catch(() => undefined);
    for (const stop of ends.splice(0)) stop();
    const all = [...keepers.values()];
    for (const { cancelAbsent } of all) cancelAbsent?.();
    if (agents === 'leave') for (const { keeper } of all) keeper.leave();
    else await Promise.all(all.map(({ keeper }) => keeper.close('the host was stopped')));
    deaf?.();
    cancelReport?.();
    for (const { unhear } of all) unhear();
    if (link.isUp()) link.report(report());
    await file.save();
  };

  return {
    report,
    async start() {
      deaf = runner.events(({ instance_id: id, exit }) => {
        for (const { keeper } of keepers.values()) {
          if (keeper.record.instance_id === id) keeper.exited(id, exit);
        }
      });
      recovery = recoverAll();
      await recovery;
      if (ending === undefined) act();
      await reconciled.promise;
    },
    stop({ agents }) {
      ending ??= end(agents);
      return ending;
    },
  };
}

/** Runs `job` again and again, `ms` after its end; returns the way to stop. */
function every(clock: Clock, ms: number, job: () => void | Promise<void>, log: Log): () => void {
  let stopped = false;
  const again = () => {
    void (async () => {
      try {
        await job();
      } catch (error) {
        log.error({ err: error }, 'a periodic task of the host failed');
      }
      if (!stopped) cancel = clock.after(ms, again);
    })();
  };
  let cancel = clock.after(ms, again);
  return () => {
    stopped = true;
    cancel();
  };
}
