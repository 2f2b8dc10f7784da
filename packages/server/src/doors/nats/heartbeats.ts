/** `opmas.heartbeat.*` → memory: core NATS, at most once, never a backlog. */
import type { Bus, BusSubscription } from '@opmas/bus';
import { agentNameOf, Heartbeat, parse, serverSubjects } from '@opmas/protocol';
import type { PresenceChange, TelemetryService } from '../../features/telemetry/index.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Directory } from './directory.ts';
import { jsonOf } from './json.ts';

export function receiveHeartbeats(options: {
  bus: Bus;
  telemetry: TelemetryService;
  directory: Directory;
  logger: Logger;
  onHeartbeat: (heartbeat: Heartbeat) => void;
  onPresence: (change: PresenceChange) => Promise<void>;
  onInvalid: (kind: string) => void;
}): BusSubscription {
  const { bus, telemetry, directory, logger, onHeartbeat, onPresence, onInvalid } = options;
  return bus.subscribe(serverSubjects.heartbeats, async (message) => {
    const name = agentNameOf(message.subject);
    const result = parse(Heartbeat, jsonOf(message));
    if (!result.ok || !(await directory.matches(result.value.agent_id, name))) {
      onInvalid('heartbeat');
      logger.debug({ subject: message.subject }, 'heartbeat not taken');
      return;
    }
    const change = telemetry.heartbeat(result.value);
    onHeartbeat(result.value);
    if (change !== undefined) await onPresence(change);
  });
}
