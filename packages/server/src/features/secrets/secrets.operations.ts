/** The API of the master key and the signing keys. Nothing it answers is secret. */
import { Timestamp, Type } from '@opmas/protocol';
import { type Call, type Operation, operation } from '../../operation.ts';
import type { ServerKeyChain } from './key-chain.ts';
import type { Rotation } from './rotation.ts';

const Count = Type.Integer({ minimum: 0 });

const SecretsStatus = Type.Object({
  key_id: Type.String({ description: 'Of the master key that seals now.' }),
  path: Type.String(),
  writable: Type.Boolean({ description: 'May OPMAS change the file, or is it mounted?' }),
  rotating: Type.Boolean(),
  older: Type.Array(
    Type.Object({
      key_id: Type.String(),
      retiring_since: Type.Union([Timestamp, Type.Null()]),
    }),
  ),
  sealed: Type.Object({
    current: Count,
    older: Count,
    unreadable: Type.Integer({
      minimum: 0,
      description: 'Values and files under a key the file does not hold.',
    }),
  }),
  signing_keys: Type.Array(
    Type.Object({ name: Type.String(), key_id: Type.String(), created_at: Timestamp }),
  ),
});

export function secretsOperations(options: {
  rotation: Rotation;
  keyChain: ServerKeyChain;
  /** Goes on with the rotation, and takes new signing keys over, after the commit. */
  keysChanged: () => void;
}): Operation[] {
  const { rotation, keyChain, keysChanged } = options;

  async function status({ db }: Pick<Call, 'db'>) {
    const keys = await keyChain.list(db);
    return {
      ...(await rotation.status(db)),
      signing_keys: keys.map((key) => ({ ...key, created_at: key.created_at.toISOString() })),
    };
  }

  return [
    operation({
      id: 'secrets.status',
      summary: 'The master key, what is sealed under it, and the signing keys',
      kind: 'unary',
      effect: 'read',
      permission: 'secrets:rotate',
      rest: { method: 'GET', path: '/secrets', tag: 'secrets' },
      output: SecretsStatus,
      run: (_, call) => status(call),
    }),
    operation({
      id: 'secrets.rotate',
      summary: 'A new master key; everything sealed is rewrapped, then the old one is dropped',
      kind: 'unary',
      effect: 'write',
      permission: 'secrets:rotate',
      rest: { method: 'POST', path: '/secrets/rotate', status: 202, tag: 'secrets' },
      body: Type.Object(
        {
          signing_keys: Type.Optional(
            Type.Boolean({
              description:
                'New signing keys too: every access token that is out is refused at once.',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      output: SecretsStatus,
      run: async ({ body }, call) => {
        const { key_id, former } = await rotation.begin(call.db);
        if (body.signing_keys === true) await keyChain.replace(call.db);
        call.audit({
          object: key_id,
          details: { former, signing_keys: body.signing_keys ?? false },
        });
        call.afterCommit(keysChanged);
        return status(call);
      },
    }),
  ];
}
