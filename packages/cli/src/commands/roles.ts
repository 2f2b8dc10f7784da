/** `opmas roles ls|show|set|rm`. */
import { rolesCreate, rolesDelete, rolesGet, rolesList, rolesUpdate } from '@opmas/client';
import type { Api } from '../api/api.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

type Role = Awaited<ReturnType<typeof roleOf>>;
type Grant = Role['grants'][number];

const COLUMNS: readonly Column<Role>[] = [
  { head: 'NAME', value: ({ name }) => name, whole: true },
  { head: 'BUILT IN', value: ({ built_in }) => (built_in ? 'yes' : 'no') },
  { head: 'DESCRIPTION', value: ({ description }) => description },
  { head: 'GRANTS', value: ({ grants }) => grants.map(grantText).join(' '), whole: true },
];

export async function list({ api: connect, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const { items } = await api.call((client) => rolesList({ client }));
  out.list(items, COLUMNS, 'No roles.');
  return EXIT.ok;
}

export async function show({ api: connect, out, args }: Run): Promise<ExitCode> {
  const role = await roleOf(await connect(), args[0] ?? '');
  out.one(role, [
    ['name', role.name],
    ['description', role.description],
    ['built in', role.built_in ? 'yes' : 'no'],
    ['grants', role.grants.map(grantText).join(' ')],
  ]);
  return EXIT.ok;
}

/** Makes the role, or gives it these grants in place of those it had. */
export async function set({ api: connect, out, args, options }: Run): Promise<ExitCode> {
  const name = args[0] ?? '';
  const limit = given({
    ids: listOf(options.texts('agent')),
    types: listOf(options.texts('type')),
    tags: listOf(options.texts('tag')),
  });
  const grants: Grant[] = options
    .texts('grant')
    .map((permission) =>
      Object.keys(limit).length === 0 ? { permission } : { permission, agents: limit },
    );
  if (grants.length === 0) {
    throw usageError(
      'Say what the role grants: --grant agents:read',
      'More: opmas roles set --help',
    );
  }
  const api = await connect();
  const body = given({ description: options.text('description') });
  const known = await api
    .call((client) => rolesGet({ client, path: { name } }))
    .catch((error: unknown) => {
      if (error instanceof CliError && error.exit === EXIT.notFound) return undefined;
      throw error;
    });
  const role =
    known === undefined
      ? await api.call((client) => rolesCreate({ client, body: { name, grants, ...body } }))
      : await api.call((client) =>
          rolesUpdate({
            client,
            path: { name },
            body: { description: known.description, grants, ...body },
          }),
        );
  out.done(role, `${role.name}: ${role.grants.map(grantText).join(' ')}`);
  return EXIT.ok;
}

export async function remove({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const name = args[0] ?? '';
  await api.call((client) => rolesDelete({ client, path: { name } }));
  out.done({ name, deleted: true }, `${name}: deleted`);
  return EXIT.ok;
}

function roleOf(api: Api, name: string) {
  return api.call((client) => rolesGet({ client, path: { name } }));
}

function listOf(texts: readonly string[]): string[] | undefined {
  return texts.length === 0 ? undefined : [...texts];
}

/** `agents:*[types=wifi,dns]` */
function grantText({ permission, agents }: Grant): string {
  if (agents === undefined) return permission;
  const limits = Object.entries(agents).map(([key, values]) => `${key}=${values.join(',')}`);
  return `${permission}[${limits.join(' ')}]`;
}
