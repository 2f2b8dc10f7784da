/** The settings: what is needed, what is assumed, and every fault at once. */
import { expect, it } from 'vitest';
import { readSettings } from './settings.ts';

it('needs the data folder and the broker, and assumes the rest', () => {
  expect(
    readSettings({ OPMAS_DATA_DIR: '/data', OPMAS_NATS_URL: 'nats://127.0.0.1:4222' }),
  ).toEqual({
    ok: true,
    settings: {
      dataDir: '/data',
      hostId: 'local',
      natsUrl: 'nats://127.0.0.1:4222',
      natsCreds: undefined,
      natsCa: undefined,
      syslogHost: '127.0.0.1',
      syslogPort: 5514,
      tls: undefined,
      logLevel: 'info',
      readyFd: undefined,
    },
  });
});

it('tells every fault at once', () => {
  const result = readSettings({
    OPMAS_DATA_DIR: 'relative',
    OPMAS_HOST_ID: 'a.b',
    OPMAS_NATS_CREDS: '/no/such/file',
    OPMAS_SYSLOG_PORT: '70000',
    OPMAS_SYSLOG_TLS_PORT: '651400',
    OPMAS_TLS_CERT: '/no/such/file',
    OPMAS_LOG_LEVEL: 'loud',
    OPMAS_READY_FD: 'x',
  });
  const names = result.ok ? [] : result.errors.map((error) => error.split(' ')[0]);
  expect(names).toEqual([
    'OPMAS_DATA_DIR',
    'OPMAS_HOST_ID',
    'OPMAS_NATS_URL',
    'OPMAS_NATS_CREDS',
    'OPMAS_SYSLOG_PORT',
    'OPMAS_SYSLOG_TLS_PORT',
    'OPMAS_TLS_CERT',
    'OPMAS_TLS_KEY',
    'OPMAS_LOG_LEVEL',
    'OPMAS_READY_FD',
  ]);
});
