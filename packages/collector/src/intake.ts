/** One line's way from bytes to the publisher's queue, whichever socket it came from. */
import type { BatchPublisher } from '@opmas/bus';
import { decodeLine, normalise, parseSyslog, type Router } from '@opmas/ingest';
import { subjects } from '@opmas/protocol';
import { collectorLimits } from './limits.ts';

export interface IntakeParts {
  publisher: Pick<BatchPublisher, 'add' | 'writable' | 'stats'>;
  router: Pick<Router, 'domainOf'>;
  /** Milliseconds, UTC. */
  now: () => number;
  newId: () => string;
  maxQueuedEvents?: number;
}

/** What became of the lines; each line received is in exactly one of published-to-be, dropped, rejected. */
export interface IntakeCounts {
  received: number;
  droppedUdp: number;
  /** Empty lines, and connections refused; a line cut at its bound is counted here and still taken. */
  rejected: number;
}

/** Takes lines; an event gets its id here, once. */
export class Intake {
  readonly counts: IntakeCounts = { received: 0, droppedUdp: 0, rejected: 0 };
  private readonly parts: IntakeParts;
  private room: Promise<void> | undefined;

  constructor(parts: IntakeParts) {
    this.parts = parts;
  }

  /** A datagram cannot wait: with a full queue it is dropped, and counted. */
  takeDatagram(bytes: Buffer, sourceIp: string): void {
    if (this.parts.publisher.writable()) this.take(bytes, sourceIp, false);
    else {
      this.counts.received++;
      this.counts.droppedUdp++;
    }
  }

  /** Takes a line of a stream, for which there must be room; returns whether there is room for another. */
  takeLine(bytes: Buffer, sourceIp: string, truncated: boolean): boolean {
    this.take(bytes, sourceIp, truncated);
    return this.hasRoom();
  }

  /** May a stream go on? */
  hasRoom(): boolean {
    const { publisher, maxQueuedEvents = collectorLimits.queuedEvents } = this.parts;
    const share = maxQueuedEvents * collectorLimits.tcpShare;
    return publisher.writable() && publisher.stats().queued < share;
  }

  /** Resolves when a stream may go on, or may look again; all streams share one timer. */
  whenRoom(): Promise<void> {
    this.room ??= new Promise((resolve) => {
      setTimeout(() => {
        this.room = undefined;
        resolve();
      }, collectorLimits.roomCheckMs);
    });
    return this.room;
  }

  private take(bytes: Buffer, sourceIp: string, truncated: boolean): void {
    const { publisher, router, now, newId } = this.parts;
    this.counts.received++;
    if (truncated) this.counts.rejected++;
    const text = decodeLine(bytes);
    if (text === '') {
      this.counts.rejected++;
      return;
    }
    const receivedAt = now();
    const line = parseSyslog(text, receivedAt);
    const domain = router.domainOf(line);
    const eventId = newId();
    const event = normalise(line, { eventId, receivedAt, domain, sourceIp, truncated });
    if (!publisher.add(subjects.logs(domain), JSON.stringify(event), eventId))
      throw new Error('a line was taken without room for it');
  }
}

/** An IPv4 peer of a dual-stack socket by its own address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
