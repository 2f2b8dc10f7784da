/** An agent as far as deliveries see it: hears messages, judges, answers, beats; for tests. */
import type { Bus, BusMessage } from '@opmas/bus';
import {
  type Agent,
  type ConfigFault,
  type ControlMessage,
  type Heartbeat,
  subjects,
} from '@opmas/protocol';

export interface SimulatedAgent {
  readonly instanceId: string;
  running: string | null;
  attempted: string | null;
  errors: ConfigFault[];
  /** Messages it heard. */
  readonly heard: ControlMessage[];
  /** What is wrong with a configuration; nothing by default. */
  faults: (hash: string, config: Record<string, unknown>) => ConfigFault[];
  /** Hears nothing while set. */
  deaf: boolean;
  /** Takes over, and its answer is lost, while set. */
  mute: boolean;
  beat(): void;
  /** With `more` of its configuration. */
  status(more?: object): void;
  stop(): Promise<void>;
}

export function simulateAgent(
  bus: Bus,
  agent: Pick<Agent, 'agent_id' | 'name'>,
  instanceId = 'i1',
): SimulatedAgent {
  const hear = (message: BusMessage) => {
    const command = message.json() as ControlMessage;
    const { hash, config } = (command.payload ?? {}) as {
      hash: string;
      config: Record<string, unknown>;
    };
    if (made.deaf || command.command !== 'update_config') return;
    made.heard.push(command);
    const errors = made.faults(hash, config ?? {});
    made.attempted = hash;
    made.errors = errors;
    if (errors.length === 0) made.running = hash;
    if (made.mute) return;
    message.respond(
      JSON.stringify({
        ok: errors.length === 0,
        agent_id: agent.agent_id,
        instance_id: instanceId,
        command_id: command.command_id,
        ...(errors.length === 0 ? {} : { error: errors[0]?.message }),
        data: { running_hash: made.running, attempted_hash: hash, errors },
      }),
    );
  };
  const made: SimulatedAgent = {
    instanceId,
    running: null,
    attempted: null,
    errors: [],
    heard: [],
    faults: () => [],
    deaf: false,
    mute: false,
    beat: () => {
      const beat: Heartbeat = {
        agent_id: agent.agent_id,
        status: 'healthy',
        timestamp: new Date().toISOString(),
        uptime: 1,
        instance_id: instanceId,
        interval: 30,
        ...(made.running === null ? {} : { config_hash: made.running }),
      };
      bus.publish(subjects.heartbeat(agent.name), JSON.stringify(beat));
    },
    status: (more = {}) => {
      const report = {
        agent_id: agent.agent_id,
        status: 'healthy',
        instance_id: instanceId,
        config: {
          running_hash: made.running,
          attempted_hash: made.attempted,
          error: made.errors[0]?.message ?? null,
          errors: made.errors,
          ...more,
        },
      };
      bus.publish(subjects.status(agent.name), JSON.stringify(report));
    },
    stop: () => subscription.stop(),
  };
  const subscription = bus.subscribe(subjects.control(agent.name), hear);
  return made;
}
