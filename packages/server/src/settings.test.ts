import { describe, expect, test } from 'vitest';
import { isLoopback, parseDuration, readSettings } from './settings.ts';

const LEAST = { OPMAS_DATABASE_URL: 'postgres://u@h/d', OPMAS_NATS_URL: 'nats://127.0.0.1:4222' };

const errorsOf = (env: Record<string, string>) => {
  const result = readSettings({ ...LEAST, ...env }, '/srv');
  return result.ok ? [] : result.errors;
};
const read = (env: Record<string, string> = {}) => {
  const result = readSettings({ ...LEAST, ...env }, '/srv');
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.settings;
};

describe('settings', () => {
  test('have the documented defaults', () => {
    expect(read()).toMatchObject({
      env: 'production',
      dataDir: '/srv/.opmas',
      agentsDir: '/srv/agents',
      discoveryApproval: 'auto',
      http: { host: '127.0.0.1', port: 8080 },
      databaseMigrateUrl: LEAST.OPMAS_DATABASE_URL,
      masterKeyFile: '/srv/.opmas/keys/master.key',
      hostId: 'local',
      eventsMaxAgeMs: 86_400_000,
      eventsMaxBytes: 4_000_000_000,
      logLevel: 'info',
      agentEnvironment: {},
    });
  });

  test('name every error at once, each with its variable and value', () => {
    const wrong = {
      OPMAS_DATABASE_URL: ' ',
      OPMAS_NATS_URL: '',
      OPMAS_ENV: 'prod',
      OPMAS_HTTP_PORT: '99999',
      OPMAS_HTTP_HOST: '0.0.0.0',
      OPMAS_DISCOVERY_APPROVAL: 'maybe',
      OPMAS_EVENTS_MAX_AGE: 'soon',
      OPMAS_EVENTS_MAX_BYTES: '-1GB',
      OPMAS_LOG_LEVEL: 'loud',
      OPMAS_HOST_ID: 'a.b',
      OPMAS_ADMIN_PASSWORD: 'short',
      OPMAS_ALLOW_INSECURE: 'yes',
      OPMAS_PUBLIC_URL: 'https://opmas.example/page',
      OPMAS_TRUSTED_PROXIES: '10.0.0.0/99',
    };
    const errors = errorsOf(wrong);
    expect(errors).toHaveLength(Object.keys(wrong).length);
    for (const name of Object.keys(wrong)) {
      expect(
        errors.filter((error) => error.startsWith(name)),
        name,
      ).toHaveLength(1);
    }
    expect(errors.join('\n')).not.toContain('short"');
  });

  test('an error about the password does not tell it', () => {
    expect(errorsOf({ OPMAS_ADMIN_PASSWORD: 'hunter2' }).join()).not.toContain('hunter2');
  });

  test('a host beyond loopback needs the word that it is safe', () => {
    expect(errorsOf({ OPMAS_HTTP_HOST: '192.0.2.1' })).toHaveLength(1);
    expect(read({ OPMAS_HTTP_HOST: '192.0.2.1', OPMAS_ALLOW_INSECURE: 'true' }).allowInsecure).toBe(
      true,
    );
  });

  test('the public URL is kept as an origin, trusted proxies as a list', () => {
    expect(read()).toMatchObject({ publicUrl: undefined, trustedProxies: [] });
    expect(
      read({
        OPMAS_PUBLIC_URL: 'https://OPMAS.example:443/',
        OPMAS_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      }),
    ).toMatchObject({
      publicUrl: 'https://opmas.example',
      trustedProxies: ['10.0.0.0/8', '::1'],
    });
    for (const url of ['opmas.example', 'ftp://a', 'https://u@a', 'https://a/?q']) {
      expect(errorsOf({ OPMAS_PUBLIC_URL: url }), url).toHaveLength(1);
    }
    for (const proxies of ['all', '0.0.0.0/0', '10.0.0.1/8/8', '10.0.0.1,']) {
      expect(errorsOf({ OPMAS_TRUSTED_PROXIES: proxies }), proxies).toHaveLength(1);
    }
  });

  test('the environment layer is every OPMAS_AGENT_ variable but the runner', () => {
    expect(
      read({
        OPMAS_AGENT_RUNNER: '/r',
        OPMAS_AGENT_PROCESSING__BATCH_SIZE: '7',
        OPMAS_AGENTS_DIR: 'a',
      }).agentEnvironment,
    ).toEqual({ OPMAS_AGENT_PROCESSING__BATCH_SIZE: '7' });
  });

  test.each([
    ['90s', 90_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0s', undefined],
    ['1.5h', undefined],
    ['9999999999d', undefined],
    ['h', undefined],
  ])('a duration %s is %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost', true],
    ['127.evil.example', false],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
  ])('%s is loopback: %s', (host, answer) => expect(isLoopback(host)).toBe(answer));
});
