/** What the server counts; the platform says how it is shown. */
import type { CollectorStats } from '@opmas/protocol';

export interface Measures {
  call(operationId: string, outcome: string, seconds: number): void;
  findings(count: number): void;
  invalid(kind: string): void;
  agents(counts: readonly { status: string; n: number }[]): void;
  feedClients(count: number): void;
  collector(hostId: string, stats: CollectorStats): void;
  events(stats: { acked: number; queued: number; refused: number }): void;
  text(): Promise<{ type: string; text: string }>;
}
