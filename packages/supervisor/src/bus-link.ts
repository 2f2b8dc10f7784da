/** The host's link over NATS: heartbeats, launch requests, reports, and the watch of the desired set. */
import { type Bus, BusError, hostWatcher, openKv } from '@opmas/bus';
import {
  check,
  DESIRED_BUCKET,
  DesiredAgent,
  faultsOf,
  Heartbeat,
  type LaunchRequest,
  LaunchTicket,
  subjects,
} from '@opmas/protocol';
import type { DesiredListener, HostLink, Log } from './link.ts';

export interface BusLink extends HostLink {
  /** Gives the link its connection, once; before that it is simply down. */
  attach(bus: Bus): void;
  /** Ends the watch and every subscription; the bus stays its owner's. */
  close(): Promise<void>;
}

interface Ear {
  agentName: string;
  hear: (beat: Heartbeat) => void;
  /** Undefined until there is a connection. */
  stop: (() => Promise<void>) | undefined;
}

export function busLink(hostId: string, log: Log): BusLink {
  const ears = new Set<Ear>();
  let bus: Bus | undefined;
  let listener: DesiredListener | undefined;
  let watch: { stop(): Promise<void> } | undefined;

  const listen = (on: Bus, ear: Ear) => {
    const subscription = on.subscribe(subjects.heartbeat(ear.agentName), (message) => {
      const beat = jsonOf(message.data);
      if (check(Heartbeat, beat)) ear.hear(beat);
      else log.warn({ agent: ear.agentName, faults: faultsOf(Heartbeat, beat) }, 'no heartbeat');
    });
    ear.stop = () => subscription.stop();
  };

  const follow = (on: Bus) => {
    if (listener === undefined || watch !== undefined) return;
    watch = watchDesired(on, hostId, listener, log);
  };

  return {
    isUp: () => bus?.isUp() === true,

    async requestLaunch(request: LaunchRequest, timeoutMs: number) {
      if (bus === undefined) return undefined;
      try {
        const body = JSON.stringify(request);
        const answer = await bus.request(subjects.hostLaunch(hostId), body, { timeoutMs });
        const ticket = jsonOf(answer.data);
        if (check(LaunchTicket, ticket)) return ticket;
        log.error({ faults: faultsOf(LaunchTicket, ticket) }, 'this is no launch ticket');
        return { ok: false, error: 'the management server answered with no launch ticket' };
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        log.warn({ agent_id: request.agent_id, error: error.message }, 'no launch ticket');
        return undefined;
      }
    },

    report(report) {
      try {
        bus?.publish(subjects.hostActual(hostId), JSON.stringify(report));
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        log.error({ error: error.message }, 'the report was not sent');
      }
    },

    onHeartbeat(agentName, hear) {
      const ear: Ear = { agentName, hear, stop: undefined };
      ears.add(ear);
      if (bus !== undefined) listen(bus, ear);
      return () => {
        if (ears.delete(ear)) logged(ear.stop?.(), log);
      };
    },

    onDesired(given) {
      listener = given;
      if (bus !== undefined) follow(bus);
      return () => {
        listener = undefined;
        logged(watch?.stop(), log);
        watch = undefined;
      };
    },

    attach(given) {
      bus = given;
      given.onViolation((violation) => log.error(violation, 'the broker refuses the host'));
      for (const ear of ears) listen(given, ear);
      follow(given);
    },

    async close() {
      await Promise.all([watch?.stop(), ...[...ears].map((ear) => ear.stop?.())]);
    },
  };
}

/**
 * Deletions seen while the set is being told anew may be those of a rebuilt broker: they are left
 * to `complete`, which names what is there.
 */
function watchDesired(
  bus: Bus,
  hostId: string,
  listener: DesiredListener,
  log: Log,
): { stop(): Promise<void> } {
  const prefix = `desired.${hostId}.`;
  const present = new Set<string>();
  let whole = false;
  const unhear = bus.onStatus(({ state }) => {
    if (state === 'down') whole = false;
  });
  const kv = openKv(bus, DESIRED_BUCKET, { watcher: hostWatcher(hostId) });
  const watch = kv.watch(prefix, {
    onPut({ key, value }) {
      const agentId = key.slice(prefix.length);
      // Also when it cannot be read: an agent is let go for a missing wish, not for a broken one.
      present.add(agentId);
      const desired = jsonOf(value);
      if (!check(DesiredAgent, desired) || desired.agent_id !== agentId) {
        const faults = faultsOf(DesiredAgent, desired);
        log.error({ key, faults }, 'this is no wish for an agent: the earlier one stays');
        return;
      }
      listener.changed(agentId, desired);
    },
    onDelete(key) {
      const agentId = key.slice(prefix.length);
      present.delete(agentId);
      if (whole) listener.changed(agentId, undefined);
    },
    onReady() {
      whole = true;
      listener.complete(new Set(present));
    },
    onError: (error) => log.warn({ err: error }, 'the desired set cannot be read; trying again'),
  });
  return {
    stop() {
      unhear();
      return watch.stop();
    },
  };
}

/** Undefined for what is no JSON: no schema accepts that. */
function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return undefined;
  }
}

function logged(ending: Promise<void> | undefined, log: Log): void {
  ending?.catch((error: unknown) => log.warn({ err: error }, 'a subscription did not end well'));
}
