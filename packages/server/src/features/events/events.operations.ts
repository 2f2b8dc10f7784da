/** `POST /events`: log events over HTTP; answered once the broker holds them. */
import type { EventBatch } from '@opmas/ingest';
import { EventsAccepted, limits, Type } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { type Operation, operation } from '../../operation.ts';

/** What the body became: batches per topic, and what was wrong with the rest. */
export type ReadBody =
  | {
      ok: true;
      accepted: number;
      batches: EventBatch[];
      rejected: { index: number; error: string }[];
    }
  | { ok: false; error: OpmasError };

export interface EventsPort {
  read(body: Uint8Array, contentType: string | undefined, domain: string | undefined): ReadBody;
  /** Resolves when every batch is stored; safe to repeat with the same batches. */
  publish(batches: readonly EventBatch[]): Promise<void>;
}

export function eventsOperations(port: EventsPort): Operation[] {
  return [
    operation({
      id: 'events.post',
      summary: 'Hand in log events (a JSON array, or NDJSON)',
      kind: 'unary',
      // The database is not on this path: it works while PostgreSQL is away.
      effect: 'external',
      permission: 'events:write',
      rest: {
        method: 'POST',
        path: '/events',
        status: 202,
        tag: 'events',
        rawBody: {
          bytes: limits.httpEventsBytes,
          types: ['application/json', 'application/x-ndjson'],
        },
      },
      query: Type.Object({
        domain: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
      }),
      body: Type.Array(Type.Record(Type.String(), Type.Unknown())),
      output: EventsAccepted,
      run: async ({ query, body, contentType }) => {
        const read = port.read(body as unknown as Uint8Array, contentType, query.domain);
        if (!read.ok) throw read.error;
        const { accepted, rejected, batches } = read;
        if (accepted === 0) {
          throw new OpmasError('OPMAS_EVENTS_REJECTED', 'Every event of the body was rejected', {
            errors: rejected.slice(0, 100).map(({ index, error }) => ({
              path: String(index),
              message: error,
            })),
          });
        }
        await port.publish(batches);
        return { accepted, rejected };
      },
    }),
  ];
}
