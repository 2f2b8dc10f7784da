/** The API of publishers. */
import { Publisher, Type } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { PublishersService } from './publishers.ts';

const KeyId = Type.String({ pattern: '^[0-9a-f]{32}$' });
const NewPublisher = Type.Object(
  {
    name: Type.String({ pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N} ._@-]{0,127}$' }),
    /** PEM, `-----BEGIN PUBLIC KEY-----`, of type ed25519. */
    public_key: Type.String({ minLength: 1, maxLength: 2048 }),
  },
  { additionalProperties: false },
);

export interface PublishersPort extends PublishersService {
  /** Every package's signature is looked at again soon. */
  changed(): void;
}

export function publishersOperations(publishers: PublishersPort): Operation[] {
  return [
    operation({
      id: 'publishers.list',
      summary: 'Keys that packages may be signed with',
      kind: 'unary',
      effect: 'read',
      permission: 'publishers:read',
      rest: { method: 'GET', path: '/publishers', tag: 'packages' },
      output: Type.Object({ items: Type.Array(Publisher) }),
      run: async (_, call) => ({ items: await publishers.list(call.db) }),
    }),
    operation({
      id: 'publishers.add',
      summary: 'Trust the packages signed with a key',
      kind: 'unary',
      effect: 'write',
      permission: 'publishers:write',
      rest: { method: 'POST', path: '/publishers', status: 201, tag: 'packages' },
      body: NewPublisher,
      output: Publisher,
      run: async ({ body }, call) => {
        const { publisher, isNew } = await publishers.add(call.db, body, call.caller.name);
        call.audit({ object: publisher.key_id, details: { name: publisher.name, new: isNew } });
        call.afterCommit(() => publishers.changed());
        return publisher;
      },
    }),
    operation({
      id: 'publishers.remove',
      summary: 'Trust a key no longer; what runs is not stopped, and waits once its files change',
      kind: 'unary',
      effect: 'write',
      permission: 'publishers:write',
      rest: { method: 'DELETE', path: '/publishers/{key_id}', tag: 'packages' },
      params: Type.Object({ key_id: KeyId }),
      run: async ({ params }, call) => {
        const removed = await publishers.remove(call.db, params.key_id);
        call.audit({ object: removed.key_id, details: { name: removed.name } });
        call.afterCommit(() => publishers.changed());
      },
    }),
  ];
}
