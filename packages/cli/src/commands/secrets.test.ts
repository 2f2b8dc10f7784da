/** Secrets on the command line: in through stdin alone, and a rotation waited for to its end. */
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Answer, type Asked, agent, type Bench, bench } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

async function serve(answer: (asked: Asked) => Answer): Promise<Bench> {
  open = await bench(answer);
  return open;
}

const configured = ({ method, path }: Asked): Answer => {
  if (!path.includes('/config')) return { body: { items: [agent('a', 'a-1')], next_cursor: null } };
  const config = { own: { password: { $secret: '********' } } };
  return { body: { agent_id: 'a-1', version: method === 'GET' ? 7 : 8, hash: 'h', config } };
};

describe('X19 config set --secret', () => {
  test('reads the secret from stdin and shows nothing of it', async () => {
    const { run, asked } = await serve(configured);
    const outcome = await run(['config', 'set', 'a', 'api.key', '--secret'], {
      stdin: 'CANARY with = and "quotes"\n',
    });
    expect(outcome.code).toBe(EXIT.ok);
    const put = asked.find(({ method }) => method === 'PUT');
    expect(JSON.parse(put?.body ?? '')).toEqual({
      own: { password: { $secret: '********' } },
      api: { key: { $secret: 'CANARY with = and "quotes"' } },
    });
    expect(outcome.out + outcome.err).not.toContain('CANARY');
  });

  test.each([
    ['a value in the command line', ['api.key=CANARY'], 'secret\n'],
    ['two keys', ['api.key', 'api.other'], 'secret\n'],
    ['no key', [], 'secret\n'],
    ['nothing on stdin', ['api.key'], ''],
  ])('refuses %s, sends nothing and repeats nothing', async (_, keys, stdin) => {
    const { run, asked } = await serve(configured);
    const outcome = await run(['config', 'set', 'a', ...keys, '--secret'], { stdin });
    expect(outcome.code).toBe(EXIT.usage);
    expect(asked.filter(({ method }) => method === 'PUT')).toEqual([]);
    expect(outcome.out + outcome.err).not.toContain('CANARY');
  });
});

test('config rollback names the version it restores', async () => {
  const { run, asked } = await serve(configured);
  const outcome = await run(['config', 'rollback', 'a', '3', '--reason', 'worked']);
  expect(outcome).toMatchObject({ code: EXIT.ok, out: expect.stringContaining('version 3') });
  const post = asked.find(({ method }) => method === 'POST');
  expect(post).toMatchObject({ path: '/api/v1/agents/a-1/config/rollback', body: '{"version":3}' });
  expect(post?.query.get('reason')).toBe('worked');
  expect((await run(['config', 'rollback', 'a', 'last'])).code).toBe(EXIT.usage);
});

describe('secrets', () => {
  const status = (key_id: string, more: object = {}) => ({
    key_id,
    path: '/data/keys/master.key',
    writable: true,
    rotating: false,
    older: [],
    sealed: { current: 5, older: 0, unreadable: 0 },
    signing_keys: [{ name: 'access-token', key_id: 'k', created_at: '2026-01-01T00:00:00.000Z' }],
    ...more,
  });

  test('rotate returns when the old key is gone', async () => {
    let looks = 0;
    let rotated = false;
    const { run, asked } = await serve(({ method }) => {
      if (method === 'POST') {
        rotated = true;
        return { status: 202, body: status('bbbbbbbb', { rotating: true }) };
      }
      if (rotated) looks += 1;
      return { body: rotated ? status('bbbbbbbb', { rotating: looks < 3 }) : status('aaaaaaaa') };
    });
    const outcome = await run(['secrets', 'rotate', '--signing-keys']);
    expect(outcome.code).toBe(EXIT.ok);
    expect(outcome.out).toContain('aaaaaaaa is replaced by bbbbbbbb');
    expect(looks).toBe(3);
    const post = asked.find(({ method }) => method === 'POST');
    expect(post).toMatchObject({ path: '/api/v1/secrets/rotate', body: '{"signing_keys":true}' });
  });

  test('status is exit code 8 when something cannot be opened', async () => {
    const sealed = { current: 5, older: 0, unreadable: 2 };
    const { run } = await serve(() => ({ body: status('aaaaaaaa', { sealed }) }));
    const outcome = await run(['secrets', 'status']);
    expect(outcome.code).toBe(EXIT.partial);
    expect(outcome.out).toMatch(/unreadable +2: their key is not in the file/);
  });
});
