/** `opmas secrets status|rotate`: the master key, and what is sealed under it. */
import { setTimeout as delay } from 'node:timers/promises';
import { secretsRotate, secretsStatus } from '@opmas/client';
import type { Api } from '../api/api.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Run } from '../run.ts';

type Status = Awaited<ReturnType<typeof statusOf>>;

export async function status({ api: connect, out }: Run): Promise<ExitCode> {
  const found = await statusOf(await connect());
  const { key_id, path, writable, rotating, older, sealed, signing_keys } = found;
  out.one(found, [
    ['master key', `${key_id} in ${path}${writable ? '' : ' (not OPMAS’s to write)'}`],
    ['rotation', rotating ? 'under way' : 'none'],
    ...older.map(
      ({ key_id: id, retiring_since }) =>
        ['older key', retiring_since === null ? id : `${id}, being replaced`] as const,
    ),
    ['sealed', `${sealed.current} under the master key, ${sealed.older} under older ones`],
    ...(sealed.unreadable === 0
      ? []
      : [['unreadable', `${sealed.unreadable}: their key is not in the file`] as const]),
    ...signing_keys.map(
      ({ name, key_id: id, created_at }) => [`key ${name}`, `${id}, of ${created_at}`] as const,
    ),
  ]);
  return sealed.unreadable === 0 ? EXIT.ok : EXIT.partial;
}

/** Returns when everything is under the new key and the old one is gone. */
export async function rotate({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const before = await statusOf(api);
  const body = options.flag('signingKeys') ? { signing_keys: true } : {};
  await api.call((client) => secretsRotate({ client, body }));
  const after = await finished(api);
  out.done(
    after,
    `Master key ${before.key_id} is replaced by ${after.key_id}; ${after.sealed.current} secrets are under it.`,
  );
  return EXIT.ok;
}

async function finished(api: Api): Promise<Status> {
  const deadline = performance.now() + limits.rotationMs;
  for (;;) {
    const now = await statusOf(api);
    if (!now.rotating) return now;
    if (performance.now() > deadline) {
      throw new CliError(
        EXIT.timeout,
        `The rotation goes on: ${now.sealed.older} secrets are still under the old key`,
        { fix: 'See: opmas secrets status' },
      );
    }
    await delay(limits.rotationPollMs);
  }
}

function statusOf(api: Api) {
  return api.call((client) => secretsStatus({ client }));
}
