/** Settings: defaults that work, every error at once, and nothing handed to whom it does not concern. */
import { expect, test } from 'vitest';
import { SETTINGS } from './setting-table.ts';
import { readSettings } from './settings.ts';

function settings(env: Record<string, string>) {
  const read = readSettings(env, '/somewhere');
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  return read.value;
}

function faults(env: Record<string, string>): string[] {
  const read = readSettings(env, '/somewhere');
  return read.ok ? [] : read.errors.map(({ path }) => path);
}

test('an empty environment gives the documented defaults', () => {
  expect(settings({})).toMatchObject({
    dataDir: '/somewhere/.opmas',
    agentsDir: '/somewhere/agents',
    http: { host: '127.0.0.1', port: 8080 },
    syslog: { host: '127.0.0.1', port: 5514 },
    database: undefined,
    nats: undefined,
    masterKeyFile: '/somewhere/.opmas/keys/master.key',
    roles: ['api', 'ingest', 'collector', 'scheduler', 'host'],
    warnings: [],
  });
});

test('every error is told at once', () => {
  const env = {
    OPMAS_ENV: 'prod',
    OPMAS_HTTP_PORT: '99999',
    OPMAS_SYSLOG_PORT: 'x',
    OPMAS_DATABASE_URL: 'mysql://h/d',
    OPMAS_EVENTS_MAX_AGE: 'tomorrow',
    OPMAS_EVENTS_MAX_BYTES: '4 gigs',
    OPMAS_ADMIN_PASSWORD: 'short',
    OPMAS_LOG_LEVEL: 'loud',
    OPMAS_ROLES: 'api,cook',
    OPMAS_HOST_ID: 'a.b',
    OPMAS_NATS_SYS_CREDS: 'x.creds',
  };
  expect(faults(env).sort()).toEqual(Object.keys(env).sort());
});

test('a secret is not repeated in its error', () => {
  const read = readSettings({ OPMAS_ADMIN_PASSWORD: 'hunter2' }, '/');
  expect(JSON.stringify(read)).not.toContain('hunter2');
});

test('a host beyond loopback without TLS needs a word for it', () => {
  expect(faults({ OPMAS_HTTP_HOST: '0.0.0.0' })).toEqual(['OPMAS_HTTP_HOST']);
  expect(faults({ OPMAS_HTTP_HOST: '0.0.0.0', OPMAS_ALLOW_INSECURE: 'true' })).toEqual([]);
  for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '::1']) {
    expect(faults({ OPMAS_HTTP_HOST: host })).toEqual([]);
  }
  expect(faults({ OPMAS_HTTP_HOST: '127.0.0.1.example.org' })).toEqual(['OPMAS_HTTP_HOST']);
  expect(faults({ OPMAS_HTTP_HOST: 'http://localhost' })).toContain('OPMAS_HTTP_HOST');
});

test('what this version lacks is refused, not ignored', () => {
  for (const name of Object.keys(SETTINGS).filter((one) => /_TLS|GRPC/.test(one))) {
    expect(faults({ [name]: '1' })).toEqual([name]);
  }
});

test('the broker’s account has no meaning without the broker', () => {
  expect(faults({ OPMAS_NATS_ACCOUNT_SEED: `SA${'A'.repeat(56)}` })).toEqual([
    'OPMAS_NATS_ACCOUNT_SEED',
  ]);
});

test('the server gets its settings and the agents’ layer, the others neither', () => {
  const { handedOn } = settings({
    PATH: '/bin',
    HOME: '/root',
    AWS_SECRET: 'x',
    OPMAS_AGENT_PROCESSING__BATCH_SIZE: '50',
    OPMAS_AGENT_RUNNER: '/evil',
    OPMAS_METRICS_TOKEN: 'token',
    OPMAS_ADMIN_PASSWORD: 'a long enough password',
  });
  expect(handedOn.server).toMatchObject({
    PATH: '/bin',
    OPMAS_AGENT_PROCESSING__BATCH_SIZE: '50',
    OPMAS_METRICS_TOKEN: 'token',
    OPMAS_ADMIN_PASSWORD: 'a long enough password',
  });
  expect(handedOn.host).toEqual({ PATH: '/bin', OPMAS_LOG_LEVEL: 'info' });
  expect(Object.keys(handedOn.collector).sort()).toEqual([
    'OPMAS_LOG_LEVEL',
    'OPMAS_SYSLOG_HOST',
    'PATH',
  ]);
  expect(JSON.stringify(handedOn)).not.toMatch(/AWS_SECRET|HOME|evil/);
});

test('a misspelt setting is told', () => {
  expect(settings({ OPMAS_HTPP_PORT: '1' }).warnings).toEqual([
    'OPMAS_HTPP_PORT is not a setting of OPMAS and has no effect',
  ]);
});

test('an empty variable counts as not set', () => {
  expect(settings({ OPMAS_HTTP_PORT: '', OPMAS_DATABASE_URL: '' }).http.port).toBe(8080);
});
