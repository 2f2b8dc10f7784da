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
