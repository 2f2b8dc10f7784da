/** Commands to a running agent and their answers (`opmas.control.<agent_name>[.<instance_id>]`). */

import { JsonObject, Timestamp } from './common.ts';
import { type Static, Type } from './typebox.ts';

export const CONTROL_COMMANDS = [
  'update_config',
  'restart',
  'stop',
  'drain',
  'set_log_level',
  'health',
  'diagnostics',
] as const;
export type ControlCommand = (typeof CONTROL_COMMANDS)[number];

export const ControlMessage = Type.Object({
  command: Type.Enum([...CONTROL_COMMANDS]),
  timestamp: Timestamp,
  payload: Type.Optional(JsonObject),
  command_id: Type.Optional(Type.String({ maxLength: 128 })),
  deadline: Type.Optional(Timestamp),
});
export type ControlMessage = Static<typeof ControlMessage>;

/** The answer to a control message: what was done, or why not. */
export const ControlReply = Type.Object({
  ok: Type.Boolean(),
  agent_id: Type.String(),
  instance_id: Type.Optional(Type.String()),
  command_id: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
  data: Type.Optional(Type.Unknown()),
});
export type ControlReply = Static<typeof ControlReply>;

/** One fault of a configuration, as an agent tells it: where (dotted path, `` for the whole) and why. */
export const ConfigFault = Type.Object({
  path: Type.String({ maxLength: 512 }),
  message: Type.String({ maxLength: 1_024 }),
});
export type ConfigFault = Static<typeof ConfigFault>;

const Hash = Type.Union([Type.String({ maxLength: 64 }), Type.Null()]);

/** What an `update_config` came to: `data` of its answer. */
export const ConfigOutcome = Type.Object({
  /** In force now. */
  running_hash: Type.Optional(Hash),
  /** What was judged; the same as `running_hash` when it was applied. */
  attempted_hash: Type.Optional(Hash),
  errors: Type.Optional(Type.Array(ConfigFault, { maxItems: 50 })),
  /** Not applied, and not for a fault of the configuration: worth telling again. */
  transient: Type.Optional(Type.Boolean()),
});
export type ConfigOutcome = Static<typeof ConfigOutcome>;
