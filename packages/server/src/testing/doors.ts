/** The HTTP doors alone, with operations and callers of a test's own: no database and no broker behind them. */

import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { Type } from '@opmas/protocol';
import { createHttp, type HttpOptions } from '../doors/rest/server.ts';
import { createFeed, type Feed } from '../doors/ws/feed.ts';
import type { AuthService } from '../features/auth/index.ts';
import { createInvoke, type InvokeOptions } from '../invoke.ts';
import { systemClock } from '../kernel/clock.ts';
import { OpmasError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { type Caller, type Operation, operation } from '../operation.ts';
import { memoryLimiter } from '../platform/limiter/memory.ts';
import type { Database } from '../platform/ports.ts';

export interface TestDoors {
  url: string;
  feed: Feed;
  /** What ran, by operation id: nothing that was refused is in it. */
  ran: string[];
  logged: { level: string; message: string; fields: object }[];
  /** Callers whose session has ended. */
  ended: Set<string>;
  call(method: string, path: string, options?: RequestInit): Promise<Response>;
  /** Sends bytes as they are; resolves with everything that was said until the connection ended. */
  exchange(...parts: string[]): Promise<string>;
  close(): Promise<void>;
}

const Closed = Type.Object({ text: Type.Optional(Type.String()) }, { additionalProperties: false });
const Things = Type.Object({ items: Type.Array(Type.Object({ name: Type.String() })) });

/** A token is `<kind>.<id>`, `away` finds no database; `<kind>.<id>.<ms>` expires after so many milliseconds. */
export async function testDoors(given: Partial<HttpOptions> = {}): Promise<TestDoors> {
  const ran: string[] = [];
  const logged: TestDoors['logged'] = [];
  const ended = new Set<string>();
  const logger = collectInto(logged);
  const auth = {
    authenticate: async (token: string) => {
      const [kind, id, life] = token.split('.');
      if (kind === 'away') {
        throw Object.assign(new Error('connect ECONNREFUSED /run/db'), { code: 'ECONNREFUSED' });
      }
      if ((kind !== 'user' && kind !== 'token' && kind !== 'agent') || id === undefined) {
        throw new OpmasError('OPMAS_UNAUTHENTICATED', 'The access token is not valid', {
          isGuess: true,
        });
      }
      const caller: Caller = { kind, id, name: id, roles: [], grants: [{ permission: '*' }] };
      return { caller, sessionId: id, expiresAt: Date.now() + Number(life ?? 600_000) };
    },
    isRevoked: ({ caller }: { caller: Caller }) => ended.has(caller.id),
  } as unknown as AuthService;
  const feed = createFeed({
    auth,
    grantsOf: ({ grants }) => grants,
    factsOf: () => undefined,
    logger,
  });
  const http = await createHttp({
    operations: operations(ran),
    invoke: createInvoke({
      database: {
        pool: {},
        transaction: (work: (tx: never) => unknown) => work({} as never),
      } as unknown as Database,
      auth,
      audit: { record: async () => undefined } as unknown as InvokeOptions['audit'],
      logger,
      refusals: { note: () => undefined, flush: async () => undefined },
      agentFacts: async () => undefined,
      afterWrite: () => undefined,
      measure: () => undefined,
    }),
    feed,
    health: {
      report: async () => ({ status: 'ready', components: {}, durability: '', version: '0' }),
      metrics: async () => ({ type: 'text/plain', text: '' }),
      metricsToken: undefined,
    },
    limiter: memoryLimiter(systemClock),
    refusals: { note: () => undefined },
    names: { host: '127.0.0.1', publicUrl: undefined },
    trustedProxies: [],
    https: undefined,
    pageDirectory: '/nonexistent',
    logger,
    ...given,
  });
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    feed,
    ran,
    logged,
    ended,
    call: (method, path, options = {}) =>
      fetch(`${url}${path}`, {
        method,
        ...options,
        headers: {
          authorization: 'Bearer user.anna',
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(options.headers as Record<string, string> | undefined),
        },
      }),
    exchange: (...parts) => exchange(port, parts),
    close: () => http.close(),
  };
}

function operations(ran: string[]): Operation[] {
  const base = { kind: 'unary', permission: 'agents:read' } as const;
  const rest = (method: Operation['rest']['method'], path: string) => ({ method, path, tag: 't' });
  const note = (id: string) => async () => {
    ran.push(id);
    return { items: [] };
  };
  return [
    operation({
      ...base,
      id: 'things.list',
      summary: '',
      effect: 'read',
      rest: rest('GET', '/things'),
      query: Type.Object({
        q: Type.Optional(Type.String()),
        limit: Type.Optional(Type.Integer()),
      }),
      output: Things,
      run: note('things.list'),
    }),
    operation({
      ...base,
      id: 'things.make',
      summary: '',
      effect: 'write',
      rest: rest('POST', '/things'),
      body: Closed,
      output: Things,
      run: note('things.make'),
    }),
    operation({
      ...base,
      id: 'things.delete',
      summary: '',
      effect: 'write',
      rest: rest('DELETE', '/things'),
      output: Things,
      run: note('things.delete'),
    }),
    operation({
      ...base,
      id: 'open.post',
      permission: 'open',
      summary: '',
      effect: 'read',
      rest: { ...rest('POST', '/open'), limitPerMinute: 10 },
      body: Closed,
      output: Things,
      run: note('open.post'),
    }),
    operation({
      ...base,
      id: 'audit.verify',
      summary: '',
      effect: 'read',
      rest: rest('GET', '/verify'),
      output: Things,
      run: note('audit.verify'),
    }),
  ];
}

function collectInto(logged: TestDoors['logged']): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, message, fields });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

function exchange(port: number, parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.on('data', (chunk) => {
      said += chunk.toString('utf8');
    });
    socket.on('error', (error) => {
      // A server that closes while more is on its way resets: what it said before counts.
      if (said === '') reject(error);
    });
    socket.on('close', () => resolve(said));
  });
}
