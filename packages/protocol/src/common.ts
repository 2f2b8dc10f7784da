/** Small schemas that several messages share. */
import { type Static, Type } from './typebox.ts';
import './date-time.ts';

/**
 * RFC 3339 date and time; OPMAS writes UTC with milliseconds, and reads any offset. Years from 0001, and
 * no leap second (write `:59`): every accepted one is a time that can be computed with and stored.
 */
export const Timestamp = Type.String({
  format: 'date-time',
  pattern: '^(?!0000).{16}:[0-5]',
  maxLength: 40,
});

export const Token = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });

/** `{agent_type}-{uuid}`, or the short forms of hand-written messages. */
export const AgentId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' });

export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;
export const Severity = Type.Enum([...SEVERITIES]);
export type Severity = (typeof SEVERITIES)[number];

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export const LogLevel = Type.Enum([...LOG_LEVELS]);
export type LogLevel = (typeof LOG_LEVELS)[number];

export const JsonObject = Type.Record(Type.String(), Type.Unknown());
export type JsonObject = Static<typeof JsonObject>;
