/** The TCP input by itself: the cap on connections, and hostile streams. */
import { once } from 'node:events';
import { createRouter } from '@opmas/ingest';
import { waitFor } from '@opmas/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { Intake } from './intake.ts';
import { listenTcp } from './syslog-tcp.ts';
import { tcp, write } from './testing/rig.ts';

async function input(options: { maxConnections?: number; idleMs?: number } = {}) {
  const events: { message: string; fields?: unknown }[] = [];
  const clock = { time: 1_000_000 };
  let full = false;
  const intake = new Intake({
    publisher: {
      writable: () => !full,
      stats: () => ({
        queued: 0,
        inFlight: 0,
        acked: 0,
        retried: 0,
        refused: 0,
        lastError: undefined,
      }),
      add: (_topic, json) => {
        events.push(JSON.parse(String(json)) as { message: string });
        return true;
      },
    },
    router: createRouter(),
    now: () => clock.time,
    newId: () => 'id',
  });
  const turnedAway: string[] = [];
  const listening = await listenTcp({
    address: '127.0.0.1',
    port: 0,
    intake,
    now: () => clock.time,
    onTurnedAway: (_peer, reason) => turnedAway.push(reason),
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  onTestFinished(() => listening.stop());
  return {
    ...listening,
    intake,
    events,
    clock,
    turnedAway,
    setFull: (value: boolean) => {
      full = value;
    },
  };
}

it('refuses a connection above the cap, unless one is idle and makes room', async () => {
  const listening = await input({ maxConnections: 2, idleMs: 1000 });
  const { port, events, clock } = listening;
  const first = await tcp(port);
  await write(first, 'first\n');
  await waitFor(() => events.length === 1);
  clock.time += 500;
  const second = await tcp(port);
  await write(second, 'second\n');
  await waitFor(() => events.length === 2);
  const third = await tcp(port);
  await once(third, 'close');
  expect(listening.connections()).toBe(2);
  clock.time += 600;
  const fourth = await tcp(port);
  await once(first, 'close');
  await write(fourth, 'fourth\n');
  await waitFor(() => events.length === 3);
  expect(listening.turnedAway).toEqual([
    '2 connections are open',
    'idle, and another needs the place',
  ]);
  expect(listening.intake.counts).toMatchObject({ received: 3, rejected: 1 });
});

it('cuts an endless line, says so in the event, and reads on', async () => {
  const { port, events, intake } = await input();
  const socket = await tcp(port);
  for (let n = 0; n < 40; n++) await write(socket, 'x'.repeat(10_000));
  await write(socket, '\nnext\n');
  await waitFor(() => events.length === 2);
  expect(events[0]).toMatchObject({ message: 'x'.repeat(65_536), fields: { truncated: true } });
  expect(events[1]).toMatchObject({ message: 'next' });
  expect(intake.counts.rejected).toBe(1);
});

it('keeps what a reset connection had sent, and the other connections', async () => {
  const { port, events } = await input();
  const other = await tcp(port);
  const socket = await tcp(port);
  await write(socket, 'before the reset\n');
  await waitFor(() => events.length === 1);
  socket.resetAndDestroy();
  await write(other, 'still here\n');
  await waitFor(() => events.length === 2);
  expect(events.map(({ message }) => message)).toEqual(['before the reset', 'still here']);
});

it('finishes a line that waits for room before the connection counts as done', async () => {
  const { port, events, setFull, connections } = await input();
  const socket = await tcp(port);
  await write(socket, 'one\n');
  await waitFor(() => events.length === 1);
  setFull(true);
  socket.end('two\nthree');
  await once(socket, 'finish');
  expect(connections()).toBe(1);
  setFull(false);
  await waitFor(() => connections() === 0);
  expect(events.map(({ message }) => message)).toEqual(['one', 'two', 'three']);
});
