/** One Bus over outages, renewals and swaps, on a real broker. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  accountJwt,
  type Bus,
  type BusStatus,
  connectBus,
  createNkey,
  ensureStreams,
  issueUser,
  publishDurable,
  pushAccountJwt,
  redactUrl,
  streamInfo,
} from '../index.ts';
import { everything, silent, TestNats, until } from '../testing/nats-server.ts';

let nats: TestNats;

beforeAll(async () => {
  nats = await TestNats.start();
});
afterAll(() => nats.stop());

describe('connecting', () => {
  it('refuses bad credentials at once, with the code to act on', async () => {
    const stranger = createNkey('account');
    const { jwt, seed } = issueUser(
      { ...nats.trust, account: { ...nats.trust.account, identity: stranger, signing: stranger } },
      { name: 'x', permissions: everything(nats.trust) },
    );
    const attempt = connectBus({
      url: nats.url,
      name: 'x',
      logger: silent,
      credentials: () => ({ jwt, seed }),
    });
    await expect(attempt).rejects.toMatchObject({ code: 'OPMAS_UNAUTHENTICATED' });
    const nobody = connectBus({ url: nats.url, name: 'x', logger: silent });
    await expect(nobody).rejects.toMatchObject({ code: 'OPMAS_UNAUTHENTICATED' });
  });

  it('gives up after the time allowed when nothing listens', async () => {
    const attempt = connectBus({
      url: 'nats://127.0.0.1:1',
      name: 'x',
      logger: silent,
      connectTimeoutMs: 300,
    });
    await expect(attempt).rejects.toMatchObject({ code: 'OPMAS_BROKER_UNAVAILABLE' });
  });

  it('is called off by its signal', async () => {
    const stop = new AbortController();
    let warned = false;
    const logger = { ...silent, warn: () => void (warned = true) };
    const attempt = connectBus({
      url: 'nats://127.0.0.1:1',
      name: 'x',
      logger,
      signal: stop.signal,
    });
    const outcome = expect(attempt).rejects.toMatchObject({ code: 'OPMAS_BROKER_UNAVAILABLE' });
    await until('the first failure', () => warned);
    stop.abort();
    await outcome;
  });

  it('names the creds file that cannot be read', async () => {
    const attempt = connectBus({
      url: nats.url,
      name: 'x',
      logger: silent,
      credsFile: '/nonexistent/x.creds',
    });
    await expect(attempt).rejects.toThrowError('/nonexistent/x.creds');
  });

  it('keeps passwords out of what it says', () => {
    expect(redactUrl('nats://user:pass@h:1,nats://token@h2:2')).toBe(
      'nats://***@h:1,nats://***@h2:2',
    );
  });
});

describe('a request', () => {
  it('fails clearly: nobody there, no answer in time, a subject that is none', async () => {
    const bus = await nats.connect('requests');
    await expect(bus.request('nobody.there')).rejects.toMatchObject({
      code: 'OPMAS_BROKER_UNAVAILABLE',
    });
    const mute = bus.subscribe('mute', () => undefined);
    await expect(bus.request('mute', '', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'OPMAS_TIMEOUT',
    });
    await expect(bus.request('bad subject')).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
    });
    expect(() => bus.publish('x', new Uint8Array(bus.maxPayload() + 1))).toThrowError(
      /max_payload/,
    );
    await mute.stop();
  });

  it('a handler that fails is logged and does not stop the subscription', async () => {
    const logged: string[] = [];
    const bus = await nats.connect('handlers', everything(nats.trust), {
      logger: { ...silent, error: (_fields, message) => logged.push(message) },
    });
    const got: string[] = [];
    bus.subscribe('work', async (message) => {
      got.push(message.text());
      await Promise.resolve();
      throw new Error('bug');
    });
    bus.publish('work', '1');
    bus.publish('work', '2');
    await until('both', () => got.length === 2 && logged.length === 2);
    expect(logged).toEqual(['message handler failed', 'message handler failed']);
  });
});

describe('a subscription', () => {
  it('shares messages within a queue and repeats them between subscriptions', async () => {
    const bus = await nats.connect('queues');
    const counts = { a: 0, b: 0, c: 0 };
    bus.subscribe('q', () => void (counts.a += 1), { queue: 'one' });
    bus.subscribe('q', () => void (counts.b += 1), { queue: 'one' });
    bus.subscribe('q', () => void (counts.c += 1));
    for (let i = 0; i < 100; i += 1) bus.publish('q', 'x');
    await until('all', () => counts.a + counts.b === 100 && counts.c === 100);
    await bus.flush();
    expect(counts.a + counts.b).toBe(100);
    expect(counts.c).toBe(100);
  });
});

describe('a swap', () => {
  it('loses and doubles nothing, in either direction, on core subjects and requests', async () => {
    const bus = await nats.connect('swapper');
    const peer = await nats.connect('peer');
    const toBus = new Map<string, number>();
    const toPeer = new Map<string, number>();
    const count = (map: Map<string, number>) => (message: { text(): string }) => {
      map.set(message.text(), (map.get(message.text()) ?? 0) + 1);
    };
    bus.subscribe('to.bus', count(toBus));
    peer.subscribe('to.peer', count(toPeer));
    peer.subscribe('echo', (message) => void message.respond(message.data));
    bus.subscribe('echo.bus', (message) => void message.respond(message.data));
    await Promise.all([bus.flush(), peer.flush()]);
    let sent = 0;
    let going = true;
    let answered = 0;
    const send = async () => {
      while (going) {
        for (let i = 0; i < 20; i += 1) {
          if (!peer.publish('to.bus', String(sent)) || !bus.publish('to.peer', String(sent)))
            throw new Error('down');
          sent += 1;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const ask = async () => {
      while (going) {
        const [a, b] = await Promise.all([bus.request('echo', 'x'), peer.request('echo.bus', 'y')]);
        if (a.text() === 'x' && b.text() === 'y') answered += 1;
      }
    };
    const load = Promise.all([send(), ask()]);
    for (let i = 0; i < 6; i += 1) {
      const before = sent;
      await bus.swap(nats.user(`swapper-${i}`));
      await until('load between swaps', () => sent > before + 200);
    }
    going = false;
    await load;
    await until('all arrived', () => toBus.size === sent && toPeer.size === sent);
    expect([...toBus.values()].filter((n) => n !== 1)).toEqual([]);
    expect([...toPeer.values()].filter((n) => n !== 1)).toEqual([]);
    expect(sent).toBeGreaterThan(1_000);
    expect(answered).toBeGreaterThan(0);
  });

  it('that is refused leaves the old connection at work', async () => {
    const bus = await nats.connect('stays');
    const user = nats.user('x');
    const key = createNkey('user');
    await expect(bus.swap({ jwt: user.jwt, seed: key.seed })).rejects.toMatchObject({
      code: 'OPMAS_UNAUTHENTICATED',
    });
    expect(bus.isUp()).toBe(true);
    await bus.flush();
  });
});

describe('an outage', () => {
  it('of the broker is survived by subscriptions; requests end with it', async () => {
    const bus = await nats.connect('survivor');
    const states: string[] = [];
    bus.onStatus((status) => states.push(status.state));
    const got: string[] = [];
    bus.subscribe('again', (message) => void got.push(message.text()));
    const mute = bus.subscribe('mute', () => undefined);
    await bus.flush();
    const hanging = expect(bus.request('mute', '', { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'OPMAS_BROKER_UNAVAILABLE',
    });
    await nats.kill();
    await hanging;
    await until('down', () => !bus.isUp());
    expect(bus.publish('again', 'lost')).toBe(false);
    await expect(bus.request('mute')).rejects.toMatchObject({ code: 'OPMAS_BROKER_UNAVAILABLE' });
    await expect(bus.whenUp(50)).rejects.toMatchObject({ code: 'OPMAS_TIMEOUT' });
    await nats.start();
    await bus.whenUp(10_000);
    bus.publish('again', 'found');
    await until('a message', () => got.length > 0);
    expect(got).toEqual(['found']);
    expect(states).toEqual(['down', 'up']);
    expect(bus.stats().reconnects).toBe(1);
    await mute.stop();
  });

  it('does not lose what is published durably meanwhile', async () => {
    const bus = await nats.connect('durable');
    await ensureStreams(bus, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e8, replicas: 1 });
    await nats.kill();
    const publishing = publishDurable(bus, 'findings.x', '{}', {
      msgId: 'only-once',
      retryForMs: 20_000,
    });
    await nats.start();
    expect(await publishing).toMatchObject({ stream: 'FINDINGS' });
    expect(await publishDurable(bus, 'findings.x', '{}', { msgId: 'only-once' })).toMatchObject({
      duplicate: true,
    });
    expect((await streamInfo(bus, 'FINDINGS'))?.messages).toBe(1);
  });

  it('longer than the time allowed is reported by publishDurable', async () => {
    const bus = await nats.connect('impatient');
    await nats.kill();
    await until('down', () => !bus.isUp());
    const publishing = publishDurable(bus, 'findings.x', '{}', { msgId: 'late', retryForMs: 200 });
    await expect(publishing).rejects.toMatchObject({ code: 'OPMAS_TIMEOUT' });
    await nats.start();
    await bus.whenUp(10_000);
  });
});

describe('credentials', () => {
  const trusted = () => ({ trustedIssuers: [nats.trust.operator_signing.public_key] });
  const down = (bus: Bus) => {
    const seen: BusStatus[] = [];
    bus.onStatus((status) => seen.push(status));
    return seen;
  };

  it('that are revoked bring the bus down as unauthorized; new ones bring it back', async () => {
    const key = createNkey('user');
    const now = Math.floor(Date.now() / 1000);
    const issue = (issuedAt: number) =>
      issueUser(nats.trust, { name: 'r', permissions: everything(nats.trust), key, issuedAt });
    const bus = await nats.track(
      connectBus({ url: nats.url, name: 'r', logger: silent, credentials: () => issue(now - 10) }),
    );
    const got: string[] = [];
    bus.subscribe('mine', (message) => void got.push(message.text()));
    const seen = down(bus);
    const system = await nats.system();
    await pushAccountJwt(
      system,
      accountJwt(nats.trust, { [key.public_key]: now - 5 }, now),
      trusted(),
    );
    await until('unauthorized', () =>
      seen.some((status) => status.state === 'down' && status.unauthorized),
    );
    await bus.swap(issue(now));
    expect(bus.isUp()).toBe(true);
    bus.publish('mine', 'back');
    await until('the message', () => got.length === 1);
    expect(seen.at(-1)).toMatchObject({ state: 'up', unauthorized: false });
    await pushAccountJwt(system, accountJwt(nats.trust, {}, now), trusted());
  });

  it('that expire are asked for anew and the bus comes back by itself', async () => {
    const key = createNkey('user');
    let asked = 0;
    const credentials = () => {
      asked += 1;
      const issuedAt = Math.floor(Date.now() / 1000);
      return issueUser(nats.trust, {
        name: 'e',
        permissions: everything(nats.trust),
        key,
        issuedAt,
        expiresAt: issuedAt + (asked === 1 ? 2 : 600),
      });
    };
    const bus = await nats.track(
      connectBus({ url: nats.url, name: 'e', logger: silent, credentials }),
    );
    const seen = down(bus);
    await until('renewal', () => seen.some((status) => status.state === 'up'));
    expect(seen[0]).toMatchObject({ state: 'down', unauthorized: true });
    expect(asked).toBeGreaterThanOrEqual(2);
    await bus.flush();
  });

  it('cannot be pushed by anyone but the operator', async () => {
    const system = await nats.system();
    const forged = createNkey('operator');
    const jwt = accountJwt({ ...nats.trust, operator_signing: forged }, {}, 1);
    await expect(pushAccountJwt(system, jwt, trusted())).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
    });
    await expect(pushAccountJwt(system, nats.user('u').jwt, trusted())).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
    });
    await expect(pushAccountJwt(system, 'garbage', trusted())).rejects.toMatchObject({
      code: 'OPMAS_INVALID_FORMAT',
    });
    await nats.connect('still welcome');
  });
});

describe('drain and close', () => {
  it('deliver what was published, then say closed once', async () => {
    const bus = await nats.connect('leaving');
    const peer = await nats.connect('staying');
    let got = 0;
    peer.subscribe('bye', () => void (got += 1));
    await peer.flush();
    const seen = down(bus);
    for (let i = 0; i < 1_000; i += 1) bus.publish('bye', 'x');
    await bus.drain();
    await bus.close();
    await until('all', () => got === 1_000);
    expect(seen.map((status) => status.state)).toEqual(['closed']);
    expect(bus.isUp()).toBe(false);
    expect(bus.publish('bye', 'x')).toBe(false);
  });

  function down(bus: Bus): BusStatus[] {
    const seen: BusStatus[] = [];
    bus.onStatus((status) => seen.push(status));
    return seen;
  }
});
