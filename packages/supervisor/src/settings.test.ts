/** Pins the host's settings. */
import { expect, it } from 'vitest';
import { readSettings } from './settings.ts';

it('tells every fault at once, with the name and the rule', () => {
  const result = readSettings({
    OPMAS_DATA_DIR: 'relative',
    OPMAS_HOST_ID: 'a.b',
    OPMAS_AGENT_SANDBOX: 'maybe',
    OPMAS_LOG_LEVEL: 'loud',
    OPMAS_READY_FD: 'x',
    OPMAS_AGENT_RUNNER: '/no/such/file',
  });
  expect(result.ok).toBe(false);
  const errors = result.ok ? [] : result.errors;
  expect(errors.map((error) => error.split(' ')[0])).toEqual([
    'OPMAS_DATA_DIR',
    'OPMAS_HOST_ID',
    'OPMAS_NATS_URL',
    'OPMAS_AGENT_RUNNER',
    'OPMAS_AGENT_SANDBOX',
    'OPMAS_LOG_LEVEL',
    'OPMAS_READY_FD',
  ]);
});

it('takes the defaults for what may be left out', () => {
  const env = {
    OPMAS_DATA_DIR: '/data',
    OPMAS_NATS_URL: 'nats://127.0.0.1:4222',
    OPMAS_AGENT_RUNNER: import.meta.filename,
  };
  expect(readSettings(env)).toMatchObject({
    ok: true,
    settings: {
      hostId: 'local',
      agentSandbox: 'on',
      logLevel: 'info',
      natsCreds: undefined,
      readyFd: undefined,
    },
  });
});
