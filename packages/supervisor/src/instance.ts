/** The life of one agent process on this host: its states, the moves between them, what is kept of it. */
import {
  DesiredAgent,
  INSTANCE_STATES,
  type InstanceState,
  type Static,
  Token,
  type TSchema,
  Type,
} from '@opmas/protocol';

/** A move that is not in this table is a bug of the host, and is refused. */
export const MOVES: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  stopped: ['starting', 'backoff', 'failed'],
  starting: ['ready', 'stopping', 'stopped', 'backoff', 'failed', 'waiting_config'],
  ready: ['stopping', 'stopped', 'backoff', 'failed', 'waiting_config'],
  stopping: ['stopped', 'backoff', 'failed', 'waiting_config'],
  backoff: ['starting', 'stopped', 'failed'],
  failed: ['starting', 'stopped', 'backoff'],
  waiting_config: ['starting', 'stopped', 'backoff', 'failed'],
};

/** States in which a process exists (or may exist). */
export const ALIVE: ReadonlySet<InstanceState> = new Set(['starting', 'ready', 'stopping']);

/** May an instance go from `from` to `to`? Staying is allowed: the reason may change. */
export function mayMove(from: InstanceState, to: InstanceState): boolean {
  return from === to || MOVES[from].includes(to);
}

/** Whatever a runner needs to find its process again; opaque to all but that runner. */
export const Handle = Type.Intersect([
  Type.Object({ runner: Type.String({ maxLength: 64 }), instance_id: Token }),
  Type.Record(Type.String(), Type.Unknown()),
]);
export type Handle = Static<typeof Handle>;

const Millis = Type.Number({ minimum: 0 });
const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** The last launch ticket without its one-time token: enough for an enrolled agent. */
export const KeptTicket = Type.Object({
  management_url: Type.String(),
  env: Type.Record(Type.String(), Type.String()),
});
export type KeptTicket = Static<typeof KeptTicket>;

/** One agent in the run file. Times are epoch milliseconds. */
export const AgentRecord = Type.Object({
  desired: DesiredAgent,
  state: Type.Enum([...INSTANCE_STATES]),
  reason: orNull(Type.String()),
  instance_id: orNull(Token),
  /** Set while a process exists, and just before it does. */
  handle: orNull(Handle),
  /** What the last launch was told to run: a newer desire is a restart. */
  launched: orNull(Type.Object({ generation: Type.Integer(), package_dir: Type.String() })),
  started_at: orNull(Millis),
  ready_at: orNull(Millis),
  next_start_at: orNull(Millis),
  restarts: Type.Integer({ minimum: 0 }),
  ladder: Type.Object({
    attempts: Type.Integer({ minimum: 0 }),
    failures_at: Type.Array(Millis, { maxItems: 64 }),
    crash_loop: Type.Boolean(),
  }),
  ticket: orNull(KeptTicket),
});
export type AgentRecord = Static<typeof AgentRecord>;

/** The record of an agent that was never started here. */
export function newRecord(desired: DesiredAgent): AgentRecord {
  return {
    desired,
    state: 'stopped',
    reason: null,
    instance_id: null,
    handle: null,
    launched: null,
    started_at: null,
    ready_at: null,
    next_start_at: null,
    restarts: 0,
    ladder: { attempts: 0, failures_at: [], crash_loop: false },
    ticket: null,
  };
}
