/** An agent's log: one JSON line each, to stdout and to `opmas.logs.agent.<agent_name>`, secrets masked. */
import { type AgentLogLine, LOG_LEVELS, type LogLevel } from '@opmas/protocol';
import { type Clock, isoTime } from './clock.ts';
import { limits } from './limits.ts';
import { sanitizeData } from './sanitize.ts';

export interface Logger {
  debug(message: string, context?: object): void;
  info(message: string, context?: object): void;
  warning(message: string, context?: object): void;
  warn(message: string, context?: object): void;
  error(message: string, context?: object): void;
  critical(message: string, context?: object): void;
  /** Lines below `level` are dropped. Takes either case: `INFO`, `info`, `WARN`. */
  setLevel(level: string): void;
  readonly level: LogLevel;
}

const RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warning: 2,
  error: 3,
  critical: 4,
};

/** The level a name means, or undefined when it is none. */
export function levelOf(name: string): LogLevel | undefined {
  const lower = name.toLowerCase();
  if (lower === 'warn') return 'warning';
  return LOG_LEVELS.find((level) => level === lower);
}

/** A logger whose lines go to `write`, complete and masked. */
export function createLogger(options: {
  agentId: string;
  instanceId: string;
  clock: Clock;
  write: (line: AgentLogLine) => void;
}): Logger {
  let level: LogLevel = 'info';
  const at = (lineLevel: LogLevel) => (message: string, context?: object) => {
    if (RANK[lineLevel] < RANK[level]) return;
    options.write({
      agent_id: options.agentId,
      level: lineLevel,
      message: String(message).slice(0, limits.logMessageChars),
      timestamp: isoTime(options.clock),
      instance_id: options.instanceId,
      ...(context === undefined ? {} : { context: sanitizeData(context) }),
    });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    warn: at('warning'),
    error: at('error'),
    critical: at('critical'),
    setLevel: (name) => {
      level = levelOf(name) ?? level;
    },
    get level() {
      return level;
    },
  };
}

/**
 * Lets through at most `perSecond` lines a second and says how many it held back, so that an agent in
 * trouble does not drown the broker. Errors pass before others: a quarter of the allowance is theirs.
 */
export function rateLimited(
  clock: Clock,
  perSecond: number,
  send: (line: AgentLogLine) => void,
): (line: AgentLogLine) => void {
  let second = 0;
  let sent = 0;
  let held = 0;
  return (line) => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      second = now;
      sent = 0;
      if (held > 0) {
        const message = `${held} log lines were not sent: more than ${perSecond} a second (stdout has them)`;
        held = 0;
        sent += 1;
        send({ ...line, level: 'warning', message, context: {} });
      }
    }
    const allowance = RANK[line.level] >= RANK.error ? perSecond : Math.ceil(perSecond * 0.75);
    if (sent >= allowance) {
      held += 1;
      return;
    }
    sent += 1;
    send(line);
  };
}
