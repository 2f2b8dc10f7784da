/** The collector on a real broker: what comes in, what survives, what is counted. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { CollectorStats, check, serverSubjects } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { rig, storedCount, tcp, write } from './testing/rig.ts';

async function udp(port: number) {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  const connected = once(socket, 'connect');
  socket.connect(port, '127.0.0.1');
  await connected;
  return socket;
}

it('carries lines of UDP and TCP, in every framing, to the topic of their domain', async () => {
  const rigged = await rig();
  const { collector } = rigged;
  const datagrams = await udp(collector.udpPort);
  datagrams.send("<86>Nov 21 08:14:49 ap dropbear[9]: Bad password attempt for 'root'");
  datagrams.send('');
  await storedCount(rigged, 1);
  const socket = await tcp(collector.tcpPort);
  await write(socket, '<30>Nov 21 08:14:49 ap hostapd: wlan0: AP-STA-CONNECTED aa\n');
  await storedCount(rigged, 2);
  await write(socket, '49 <30>1 2026-11-21T08:14:49Z ap netifd 7 - - link is up');
  socket.end('<30>dnsmasq[1]: no line end');
  await storedCount(rigged, 4);
  const seen = rigged.stored.map(({ topic, event }) => [
    topic,
    event.type,
    event.program,
    event.source_ip,
  ]);
  expect(seen).toEqual([
    ['logs.auth', 'auth', 'dropbear', '127.0.0.1'],
    ['logs.wifi', 'wifi', 'hostapd', '127.0.0.1'],
    ['logs.connectivity', 'connectivity', 'netifd', '127.0.0.1'],
    ['logs.system', 'system', undefined, '127.0.0.1'],
  ]);
  const stats = await collector.stats();
  expect(stats).toMatchObject({ received: 5, rejected: 1, dropped_udp: 0, kernel_drops: 0 });
});

it('loses and doubles no TCP line when the broker is killed twice in the stream', async () => {
  const rigged = await rig();
  const { collector, nats } = rigged;
  const senders = 4;
  const perSender = 4000;
  const send = async (sender: number) => {
    const socket = await tcp(collector.tcpPort);
    for (let n = 0; n < perSender; n++) {
      const line = `<86>Nov 21 08:14:49 ap${sender} sshd[${n}]: line ${sender}/${n}`;
      await write(socket, n % 2 === 0 ? `${line}\n` : `${line.length} ${line}`);
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    await once(socket, 'close');
  };
  const sending = Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)));
  for (const part of [2000, 7000]) {
    await storedCount(rigged, part);
    await nats.kill9();
    await nats.restart();
  }
  await sending;
  await storedCount(rigged, senders * perSender);
  await waitFor(async () => (await collector.stats()).queued === 0, { what: 'an empty queue' });
  const messages = rigged.stored.map(({ event }) => event.message);
  const wanted = Array.from(
    { length: senders * perSender },
    (_, n) => `line ${n % senders}/${Math.floor(n / senders)}`,
  );
  expect(messages.toSorted()).toEqual(wanted.toSorted());
  expect(new Set(rigged.stored.map(({ event }) => event.event_id)).size).toBe(senders * perSender);
  expect(await collector.stats()).toMatchObject({
    received: senders * perSender,
    published: senders * perSender,
    rejected: 0,
    queued: 0,
  });
});

it('while the broker is away, lets TCP wait, counts UDP drops, and then delivers every TCP line', async () => {
  const maxQueuedEvents = 400;
  const rigged = await rig({ maxQueuedEvents });
  const { collector, nats } = rigged;
  await nats.kill9();
  const socket = await tcp(collector.tcpPort);
  // More than the kernel's buffers hold, so that the sender must feel it.
  const lines = 40_000;
  const pad = 'p'.repeat(300);
  const text = Array.from(
    { length: lines },
    (_, n) => `<13>Nov 21 08:14:49 ap x: tcp ${n} ${pad}\n`,
  );
  let written = false;
  socket.write(text.join(''), () => {
    written = true;
  });
  await waitFor(async () => (await collector.stats()).queued >= maxQueuedEvents * 0.75, {
    what: 'a full queue',
  });
  const datagrams = await udp(collector.udpPort);
  const sent = 300;
  for (let n = 0; n < sent; n++) datagrams.send(`<13>Nov 21 08:14:49 ap x: udp ${n}`);
  await waitFor(async () => (await collector.stats()).dropped_udp > 0, { what: 'UDP drops' });
  const full = await collector.stats();
  expect(full.queued).toBe(maxQueuedEvents);
  expect(full.received).toBeLessThan(lines / 2);
  expect(written).toBe(false);
  await nats.restart();
  socket.end();
  const ofKind = (kind: string) =>
    rigged.stored.filter(({ event }) => event.message.startsWith(kind)).length;
  await waitFor(() => ofKind('tcp') === lines, { what: 'every TCP line', timeoutMs: 25_000 });
  const last = await waitFor(async () => {
    const stats = await collector.stats();
    const known = stats.published + stats.dropped_udp + stats.kernel_drops;
    return stats.queued === 0 && known === lines + sent ? stats : undefined;
  });
  expect(last.dropped_udp + last.kernel_drops).toBe(sent - ofKind('udp'));
  expect(last.published).toBe(rigged.stored.length);
});

it('counts what the kernel drops: received and dropped make up everything sent', async () => {
  const { collector } = await rig();
  const datagrams = await udp(collector.udpPort);
  const payload = Buffer.alloc(8000, '<13>Nov 21 08:14:49 ap x: flood ');
  const sent = 3000;
  // One turn of the event loop: the collector, in this process, cannot read meanwhile.
  for (let n = 0; n < sent; n++) datagrams.send(payload);
  const stats = await waitFor(async () => {
    const now = await collector.stats();
    return now.received + now.kernel_drops === sent ? now : undefined;
  });
  expect(stats.kernel_drops).toBeGreaterThan(0);
  expect(stats.received).toBeGreaterThan(0);
});

it('stops only when everything received is stored, and reports a last time', async () => {
  const rigged = await rig();
  const { collector, admin } = rigged;
  const reports: unknown[] = [];
  admin.subscribe(serverSubjects.collectorStats, (message) => void reports.push(message.json()));
  await admin.flush();
  const socket = await tcp(collector.tcpPort);
  await write(socket, '<13>Nov 21 08:14:49 ap x: line\n'.repeat(5000));
  await waitFor(async () => (await collector.stats()).connections === 1);
  expect(await collector.stop()).toBe(0);
  await storedCount(rigged, 5000);
  const last = await waitFor(
    () => reports.find((report) => check(CollectorStats, report) && report.received === 5000),
    { what: 'the last report' },
  );
  expect(last).toMatchObject({ host_id: 'local', published: 5000, queued: 0, connections: 0 });
});
