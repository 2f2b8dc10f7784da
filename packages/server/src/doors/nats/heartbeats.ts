/** `opmas.heartbeat.*` → memory: core NATS, at most once, never a backlog. */
import type { Bus, BusSubscription } from '@opmas/bus';
import { agentNameOf, Heartbeat, parse, serverSubjects } from '@opmas/protocol';
import type { SlotsService } from '../../features/credentials/index.ts';
import type { PresenceChange, TelemetryService } from '../../features/telemetry/index.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Directory } from './directory.ts';
import type { Impostors } from './impostors.ts';
import { jsonOf } from './json.ts';

export function receiveHeartbeats(options: {
  bus: Bus;
  telemetry: TelemetryService;
  directory: Directory;
  slots: Pick<SlotsService, 'heard'>;
  impostors: Impostors;
  logger: Logger;
  onHeartbeat: (heartbeat: Heartbeat) => void;
  onPresence: (change: PresenceChange) => Promise<void>;
  onInvalid: (kind: string) => void;
}): BusSubscription {
  const { bus, telemetry, directory, slots, impostors, logger } = options;
  const { onHeartbeat, onPresence, onInvalid } = options;
  return bus.subscribe(serverSubjects.heartbeats, async (message) => {
    const name = agentNameOf(message.subject);
    const result = parse(Heartbeat, jsonOf(message));
    if (!result.ok) {
      onInvalid('heartbeat');
      logger.debug({ subject: message.subject }, 'heartbeat not taken');
      return;
    }
    const whose = await directory.check(result.value.agent_id, name);
    if (whose === 'gone') return;
    if (whose === 'foreign') {
      impostors.note('heartbeat', message.subject, result.value.agent_id);
      return;
    }
    const change = telemetry.heartbeat(result.value);
    onHeartbeat(result.value);
    if (change !== undefined) await onPresence(change);
    await slots.heard(result.value.agent_id, result.value.instance_id);
  });
}
