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

test('12.2.1 with a certificate a host beyond loopback needs no word', () => {
  const files = { OPMAS_TLS_CERT: 'a.crt', OPMAS_TLS_KEY: 'a.key' };
  expect(faults({ OPMAS_HTTP_HOST: '0.0.0.0', OPMAS_TLS: 'auto' })).toEqual([]);
  expect(faults({ OPMAS_HTTP_HOST: '0.0.0.0', ...files })).toEqual([]);
  // Syslog over TLS says nothing of the API.
  const syslog = { OPMAS_HTTP_HOST: '0.0.0.0', OPMAS_SYSLOG_TLS_PORT: '6514' };
  expect(faults(syslog)).toEqual(['OPMAS_HTTP_HOST']);
});

test('certificates come from one source, and a key goes with each', () => {
  expect(faults({ OPMAS_TLS: 'yes' })).toEqual(['OPMAS_TLS']);
  expect(faults({ OPMAS_TLS_CERT: 'a.crt' })).toEqual(['OPMAS_TLS_CERT']);
  expect(faults({ OPMAS_TLS_KEY: 'a.key' })).toEqual(['OPMAS_TLS_KEY']);
  expect(faults({ OPMAS_TLS_CA: 'ca.crt' })).toEqual(['OPMAS_TLS_CA']);
  expect(faults({ OPMAS_NATS_CA: 'ca.crt' })).toEqual(['OPMAS_NATS_CA']);
  const both = { OPMAS_TLS: 'auto', OPMAS_TLS_CERT: 'a.crt', OPMAS_TLS_KEY: 'a.key' };
  expect(faults(both)).toEqual(['OPMAS_TLS']);
});

test('syslog over TLS takes the certificate of HTTPS, or one of the own authority', () => {
  const syslog = { OPMAS_SYSLOG_TLS_PORT: '6514' };
  expect(settings(syslog).tls).toMatchObject({
    http: undefined,
    syslog: { port: 6514, certificate: { kind: 'own' } },
    broker: false,
  });
  const files = { OPMAS_TLS_CERT: 'a.crt', OPMAS_TLS_KEY: '/b/a.key' };
  const given = { kind: 'files', cert: '/somewhere/a.crt', key: '/b/a.key' };
  expect(settings({ ...syslog, ...files }).tls).toMatchObject({
    http: given,
    syslog: { certificate: given },
    broker: false,
  });
});

test('the embedded broker speaks TLS with the own authority, an external one by its URL', () => {
  expect(settings({ OPMAS_TLS: 'auto' }).tls).toMatchObject({ broker: true });
  const external = { OPMAS_NATS_URL: 'tls://broker.lan:4222', OPMAS_NATS_CA: 'ca.crt' };
  expect(settings({ OPMAS_TLS: 'auto', ...external }).tls).toMatchObject({
    broker: false,
    natsCa: '/somewhere/ca.crt',
  });
});

test('what this version lacks is refused, not ignored', () => {
  for (const name of Object.keys(SETTINGS).filter((one) => one.includes('GRPC'))) {
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
    OPMAS_AGENT_SANDBOX: 'off',
    OPMAS_METRICS_TOKEN: 'token',
    OPMAS_ADMIN_PASSWORD: 'a long enough password',
  });
  expect(handedOn.server).toMatchObject({
    PATH: '/bin',
    OPMAS_AGENT_PROCESSING__BATCH_SIZE: '50',
    OPMAS_METRICS_TOKEN: 'token',
    OPMAS_ADMIN_PASSWORD: 'a long enough password',
  });
  expect(handedOn.host).toEqual({
    PATH: '/bin',
    OPMAS_AGENT_SANDBOX: 'off',
    OPMAS_LOG_LEVEL: 'info',
  });
  expect(handedOn.server).not.toHaveProperty('OPMAS_AGENT_SANDBOX');
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
