/** Reports of many hosts at once: of each, the newest is taken. */
import type { Bus, BusMessage } from '@opmas/bus';
import type { HostReport } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { receiveHosts } from './hosts.ts';

function bench() {
  const heard: string[] = [];
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  let say: (message: BusMessage) => void = () => undefined;
  const bus = {
    subscribe: (subject: string, handler: (message: BusMessage) => void) => {
      if (subject.endsWith('.actual')) say = handler;
      return { stop: () => Promise.resolve() };
    },
  } as unknown as Bus;
  receiveHosts({
    bus,
    lifecycle: {
      hear: async (report: HostReport) => {
        await held;
        heard.push(`${report.host_id} ${report.hostname}`);
        return [];
      },
    } as never,
    impostors: { note: () => undefined },
    clock: systemClock,
    logger: silentLogger,
    onReport: () => undefined,
  });
  const report = (host_id: string, hostname: string) => {
    const at = new Date().toISOString();
    const value = { host_id, hostname, boot_id: 'b', pid: 1, started_at: at, timestamp: at };
    const data = Buffer.from(JSON.stringify({ ...value, instances: [] }));
    say({ subject: `opmas.host.${host_id}.actual`, data } as unknown as BusMessage);
  };
  return { report, heard, go };
}

test('while the database is slow no host is left out, and of each the newest report is taken', async () => {
  const { report, heard, go } = bench();
  const hosts = Array.from({ length: 30 }, (_, n) => `h${n}`);
  for (const hostname of ['first', 'second', 'newest']) {
    for (const host of hosts) report(host, hostname);
  }
  go();
  await waitFor(() => hosts.every((host) => heard.includes(`${host} newest`)));
  expect(heard.filter((text) => text.endsWith('second'))).toEqual([]);
});
