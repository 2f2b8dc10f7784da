/** The API of publishers, run as the pipeline runs it, on a real database. */
import { generateKeyPairSync } from 'node:crypto';
import { newSigningKey } from '@opmas/keyring';
import { faultsOf } from '@opmas/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import type { AfterCommit, Call } from '../../operation.ts';
import { type Bench, discoveryBench } from '../discovery/testing.ts';
import { createPublishersService, publishersOperations } from './index.ts';

let bench: Bench;
let changes = 0;
beforeAll(async () => {
  bench = await discoveryBench();
});
afterAll(() => bench.stop());

const operations = publishersOperations({
  ...createPublishersService({ clock: systemClock }),
  changed: () => {
    changes += 1;
  },
});
const operationOf = (id: string) => {
  const found = operations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
};

async function run(id: string, input: object): Promise<{ answer: unknown; audited: unknown[] }> {
  const effects: AfterCommit[] = [];
  const audited: unknown[] = [];
  const answer = await bench.database.transaction((tx) => {
    const call: Call = {
      caller: { kind: 'user', id: 'u', name: 'alice', roles: ['admin'], grants: [] },
      requestId: 'r',
      remote: '127.0.0.1',
      reach: 'all',
      db: tx,
      afterCommit: (effect) => void effects.push(effect),
      commit: (work) => work(tx),
      audit: (fields) => audited.push(fields),
    };
    return operationOf(id).run({ params: {}, query: {}, body: undefined, ...input } as never, call);
  });
  for (const effect of effects) await effect();
  return { answer, audited };
}

const add = (name: string, public_key: string) =>
  run('publishers.add', { body: { name, public_key } });
const list = async () => (await run('publishers.list', {})).answer;

describe('X22 trusted publishers', () => {
  test('a key is added once, listed, audited, and removed; packages are judged again', async () => {
    const { publicKey, keyId } = newSigningKey();
    const { answer, audited } = await add('Acme', publicKey);
    expect(answer).toMatchObject({ key_id: keyId, name: 'Acme', added_by: 'alice' });
    expect(audited).toEqual([{ object: keyId, details: { name: 'Acme', new: true } }]);
    expect((await add('Acme', publicKey)).answer).toEqual(answer);
    expect(await list()).toEqual({ items: [answer] });
    const removed = await run('publishers.remove', { params: { key_id: keyId } });
    expect(removed.audited).toEqual([{ object: keyId, details: { name: 'Acme' } }]);
    expect(changes).toBe(3);
    expect(await list()).toEqual({ items: [] });
  });

  test('one key has one name, and one name one key', async () => {
    const one = newSigningKey();
    await add('One', one.publicKey);
    const conflict = { code: 'OPMAS_CONFLICT' };
    await expect(add('Other', one.publicKey)).rejects.toMatchObject(conflict);
    await expect(add('ONE', newSigningKey().publicKey)).rejects.toMatchObject(conflict);
  });

  test('what is no ed25519 public key is refused, a private key above all', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const bad = [
      rsa.export({ type: 'spki', format: 'pem' }).toString(),
      newSigningKey().privateKey,
      'ssh-ed25519 AAAA',
    ];
    const before = await list();
    for (const pem of bad) {
      await expect(add('Bad', pem)).rejects.toMatchObject({ code: 'OPMAS_INVALID_FORMAT' });
    }
    expect(await list()).toEqual(before);
  });

  test('an unknown key cannot be removed', async () => {
    await expect(
      run('publishers.remove', { params: { key_id: 'a'.repeat(32) } }),
    ).rejects.toMatchObject({ code: 'OPMAS_PUBLISHER_NOT_FOUND', status: 404 });
  });

  test.each(['', ' x', '\u001b[2J', '<b>', 'a'.repeat(129), 'a\nb', '=cmd()'])(
    'the name %j is refused at the door',
    (name) => {
      const { body } = operationOf('publishers.add');
      if (body === undefined) throw new Error('no body');
      expect(faultsOf(body, { name, public_key: 'x' })).not.toEqual([]);
      expect(faultsOf(body, { name: 'Müller Söhne', public_key: 'x' })).toEqual([]);
    },
  );
});
