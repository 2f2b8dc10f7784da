/** `opmas users ls|add|set|passwd|sessions|rm`: people who sign in. */
import {
  authPassword,
  usersCreate,
  usersDelete,
  usersList,
  usersSessionsEnd,
  usersSessionsList,
  usersTotpRemove,
  usersUpdate,
} from '@opmas/client';
import type { Api } from '../api/api.ts';
import { collect } from '../api/pages.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';
import { askHidden, confirm } from './ask.ts';
import { SESSION_COLUMNS } from './sessions.ts';

type User = NonNullable<Awaited<ReturnType<typeof usersCreate>>['data']>;

const COLUMNS: readonly Column<User>[] = [
  { head: 'NAME', value: ({ username }) => username, whole: true },
  { head: 'ROLES', value: ({ roles }) => roles.join(' ') },
  { head: 'STATE', value: ({ disabled }) => (disabled ? 'disabled' : 'enabled') },
  { head: 'SECOND FACTOR', value: ({ totp_enabled }) => (totp_enabled ? 'on' : 'off') },
  { head: 'FROM', value: ({ source }) => source },
  { head: 'LAST LOGIN', value: ({ last_login_at }) => last_login_at, whole: true },
  { head: 'ID', value: ({ user_id }) => user_id, whole: true },
];

export async function list({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const users = await collect(options.limit(), (query) =>
    api.call((client) => usersList({ client, query })),
  );
  out.list(users, COLUMNS, 'No users. The set-up link makes the first one.');
  return EXIT.ok;
}

export async function add(run: Run): Promise<ExitCode> {
  const { args, options, out } = run;
  const api = await run.api();
  const username = args[0] ?? '';
  const roles = [...options.texts('role')];
  const [password = ''] = await askHidden(run, 'Password');
  const user = await api.call((client) =>
    usersCreate({ client, body: { username, password, roles } }),
  );
  out.done(user, `${user.username}: made (${roles.join(', ') || 'no role yet'})`);
  return EXIT.ok;
}

export async function set(run: Run): Promise<ExitCode> {
  const { args, options, out } = run;
  if (options.flag('enable') && options.flag('disable')) {
    throw usageError('--enable and --disable are two');
  }
  const roles = options.texts('role');
  const body = given({
    roles: roles.length === 0 ? undefined : [...roles],
    disabled: options.flag('disable') ? true : options.flag('enable') ? false : undefined,
  });
  const removes = options.flag('removeSecondFactor');
  if (Object.keys(body).length === 0 && !removes) {
    throw usageError(
      'Nothing to change',
      'Say --role, --disable, --enable or --remove-second-factor.',
    );
  }
  const api = await run.api();
  let user = await userOf(api, args[0] ?? '');
  const path = { user_id: user.user_id };
  if (removes) {
    await api.call((client) => usersTotpRemove({ client, path }));
    user = { ...user, totp_enabled: false };
  }
  if (Object.keys(body).length > 0) {
    user = await api.call((client) => usersUpdate({ client, path, body }));
  }
  const state = user.disabled ? 'disabled' : 'enabled';
  out.done(user, `${user.username}: ${state} (${user.roles.join(', ') || 'no role'})`);
  return EXIT.ok;
}

/** Of the caller without a name, of that user with one. */
export async function passwd(run: Run): Promise<ExitCode> {
  const [ref] = run.args;
  const api = await run.api();
  if (ref === undefined) {
    const [current_password = '', new_password = ''] = await askHidden(
      run,
      'Present password',
      'New password',
    );
    await api.call((client) => authPassword({ client, body: { current_password, new_password } }));
    run.out.done({ changed: true }, 'Your password is changed; your other sessions have ended.');
    return EXIT.ok;
  }
  const { user_id, username } = await userOf(api, ref);
  const [password = ''] = await askHidden(run, 'New password');
  const user = await api.call((client) =>
    usersUpdate({ client, path: { user_id }, body: { password } }),
  );
  run.out.done(user, `${username}: the password is changed, all sessions have ended`);
  return EXIT.ok;
}

export async function sessions(run: Run): Promise<ExitCode> {
  const { args, options, out } = run;
  const api = await run.api();
  const { user_id, username } = await userOf(api, args[0] ?? '');
  const path = { user_id };
  if (options.flag('end')) {
    await api.call((client) => usersSessionsEnd({ client, path }));
    out.done({ user_id, ended: true }, `${username}: all sessions have ended`);
    return EXIT.ok;
  }
  const { items } = await api.call((client) => usersSessionsList({ client, path }));
  out.list(items, SESSION_COLUMNS, `${username} is signed in nowhere.`);
  return EXIT.ok;
}

export async function remove(run: Run): Promise<ExitCode> {
  const api = await run.api();
  const users: User[] = [];
  for (const ref of run.args) users.push(await userOf(api, ref));
  await confirm(run, `Delete ${users.map(({ username }) => username).join(', ')}?`);
  for (const { user_id, username } of users) {
    await api.call((client) => usersDelete({ client, path: { user_id } }));
    run.out.done({ user_id, username, deleted: true }, `${username}: deleted`);
  }
  return EXIT.ok;
}

/** A user as people name them: user name in any case, or id. */
async function userOf(api: Api, ref: string): Promise<User> {
  const users = await collect(limits.listItems, (query) =>
    api.call((client) => usersList({ client, query })),
  );
  const wanted = ref.toLowerCase();
  const found = users.find(
    ({ user_id, username }) => user_id === ref || username.toLowerCase() === wanted,
  );
  if (found !== undefined) return found;
  throw new CliError(EXIT.notFound, `No user is called ${JSON.stringify(ref)}`, {
    fix: '`opmas users ls` lists them.',
  });
}
