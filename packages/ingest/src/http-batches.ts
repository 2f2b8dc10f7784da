/** Packs posted events into messages, so that the same body always gives the same messages. */
import { createHash, type Hash } from 'node:crypto';
import type { CompleteEvent } from './http-event.ts';
import { ingestLimits } from './limits.ts';

/** One message for the broker: NDJSON lines of one topic. */
export interface EventBatch {
  topic: string;
  /** JSON of each event, without line ends. */
  lines: string[];
  ids: string[];
  /** For `Nats-Msg-Id`: equal for a retry of the same events, never for others. */
  msg_id: string;
}

interface Open {
  topic: string;
  lines: string[];
  ids: string[];
  bytes: number;
  hash: Hash;
}

/** Groups by topic in the order given, cut at `limits.batchEvents` and `limits.batchBytes`. */
export class Batcher {
  private readonly open = new Map<string, Open>();
  private readonly done: EventBatch[] = [];

  add(topic: string, event: CompleteEvent): void {
    const bytes = Buffer.byteLength(event.json) + 1;
    let batch = this.open.get(topic);
    if (
      batch !== undefined &&
      (batch.lines.length === ingestLimits.batchEvents ||
        batch.bytes + bytes > ingestLimits.batchBytes)
    ) {
      this.close(batch);
      batch = undefined;
    }
    if (batch === undefined) {
      batch = { topic, lines: [], ids: [], bytes: 0, hash: createHash('sha256').update(topic) };
      this.open.set(topic, batch);
    }
    batch.lines.push(event.json);
    batch.ids.push(event.id);
    batch.bytes += bytes;
    batch.hash.update(`\n${event.identity.length} ${event.identity}`);
  }

  finish(): EventBatch[] {
    for (const batch of this.open.values()) this.close(batch);
    this.open.clear();
    return this.done;
  }

  private close({ topic, lines, ids, hash }: Open): void {
    this.done.push({ topic, lines, ids, msg_id: `p-${hash.digest('base64url')}` });
  }
}
