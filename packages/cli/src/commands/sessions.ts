/** `opmas sessions ls|rm`: where the caller is signed in. */
import { authSessionsEnd, authSessionsEndOthers, authSessionsList } from '@opmas/client';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import type { Run } from '../run.ts';

type Session = NonNullable<Awaited<ReturnType<typeof authSessionsList>>['data']>['items'][number];

export const SESSION_COLUMNS: readonly Column<Session>[] = [
  { head: 'ID', value: ({ session_id }) => session_id, whole: true },
  { head: '', value: ({ current }) => (current ? 'this one' : '') },
  { head: 'LAST USED', value: ({ last_used_at }) => last_used_at, whole: true },
  { head: 'FROM', value: ({ remote }) => remote },
  { head: 'SINCE', value: ({ created_at }) => created_at, whole: true },
  { head: 'WITH', value: ({ user_agent }) => user_agent },
];

export async function list({ api: connect, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const { items } = await api.call((client) => authSessionsList({ client }));
  out.list(items, SESSION_COLUMNS, 'You are signed in nowhere.');
  return EXIT.ok;
}

export async function remove({ api: connect, out, args, options }: Run): Promise<ExitCode> {
  const others = options.flag('others');
  if (others === args.length > 0) {
    throw usageError('Name sessions, or say --others', '`opmas sessions ls` lists them.');
  }
  const api = await connect();
  if (others) {
    await api.call((client) => authSessionsEndOthers({ client }));
    out.done({ others: true, ended: true }, 'All other sessions have ended.');
    return EXIT.ok;
  }
  for (const session_id of args) {
    await api.call((client) => authSessionsEnd({ client, path: { session_id } }));
    out.done({ session_id, ended: true }, `${session_id}: ended`);
  }
  return EXIT.ok;
}
