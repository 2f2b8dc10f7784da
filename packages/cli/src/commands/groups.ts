/** `opmas groups ls|show|preview|create|set|rm`. */
import {
  groupsCreate,
  groupsDelete,
  groupsGet,
  groupsList,
  groupsUpdate,
  groupsValidate,
} from '@opmas/client';
import type { Api } from '../api/api.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

type Group = Awaited<ReturnType<typeof groupOf>>;

const COLUMNS: readonly Column<Group>[] = [
  { head: 'NAME', value: ({ name }) => name, whole: true },
  { head: 'PRIORITY', value: ({ priority }) => priority },
  { head: 'AGENTS', value: ({ agents }) => agents },
  { head: 'SELECTOR', value: ({ selector }) => selector, whole: true },
  { head: 'DESCRIPTION', value: ({ description }) => description },
];

export async function list({ api: connect, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const { items } = await api.call((client) => groupsList({ client }));
  out.list(items, COLUMNS, 'No groups.');
  return EXIT.ok;
}

export async function show({ api: connect, out, args }: Run): Promise<ExitCode> {
  const group = await groupOf(await connect(), args[0] ?? '');
  out.one(group, [
    ['name', group.name],
    ['description', group.description],
    ['selector', group.selector],
    ['priority', group.priority],
    ['agents', group.agents],
    ['version', group.version],
    ['changed', group.updated_at],
  ]);
  return EXIT.ok;
}

export async function create({ api: connect, out, args, options }: Run): Promise<ExitCode> {
  const [name = '', selector = ''] = args;
  const api = await connect();
  const body = given({
    description: options.text('description'),
    priority: priorityOf(options.text('priority')),
  });
  const group = await api.call((client) =>
    groupsCreate({ client, body: { name, selector, ...body } }),
  );
  out.done(group, `${name}: ${group.agents} agents, ${group.changed} change`);
  return EXIT.ok;
}

/** Who would join and leave; exit code 1 when somebody could not live with it. */
export async function preview({ api: connect, io, out, args, options }: Run): Promise<ExitCode> {
  const [selector = ''] = args;
  const name = options.text('group');
  const priority = priorityOf(options.text('priority'));
  const api = await connect();
  const answer = await api.call((client) =>
    groupsValidate({ client, body: { selector, ...given({ name, priority }) } }),
  );
  const { joins, leaves, invalid, counts } = answer;
  if (out.json) out.done(answer, '');
  else {
    const lines = [
      ...namedLines('+', joins, counts.joins),
      ...namedLines('-', leaves, counts.leaves),
      ...invalid.flatMap((agent) =>
        agent.errors.map(
          ({ path, message }) =>
            `error  ${agent.name}: ${path === '' ? message : `${path}: ${message}`}`,
        ),
      ),
      `in it: ${counts.agents}; ${counts.joins} join, ${counts.leaves} leave, ${counts.changed} change, ${counts.invalid} refuse it`,
    ];
    for (const line of lines) out.event(answer, () => line);
    if (answer.valid) io.note('Valid; nothing is stored.');
  }
  return answer.valid ? EXIT.ok : EXIT.failed;
}

function namedLines(sign: string, agents: readonly { name: string }[], count: number): string[] {
  const lines = agents.map(({ name }) => `${sign} ${name}`);
  const more = count - agents.length;
  return more > 0 ? [...lines, `${sign} … and ${more} more`] : lines;
}

/** Changes what is named, and leaves the rest. */
export async function set({ api: connect, out, args, options }: Run): Promise<ExitCode> {
  const name = args[0] ?? '';
  const body = given({
    selector: options.text('selector'),
    description: options.text('description'),
    priority: priorityOf(options.text('priority')),
  });
  if (Object.keys(body).length === 0) {
    throw usageError('Say what to change: --selector, --priority or --description');
  }
  const api = await connect();
  const { version, selector, description, priority } = await groupOf(api, name);
  const group = await api.call((client) =>
    groupsUpdate({
      client,
      path: { name },
      headers: { 'If-Match': `"${version}"` },
      body: { selector, description, priority, ...body },
    }),
  );
  out.done(group, `${name}: ${group.agents} agents, ${group.changed} change`);
  return EXIT.ok;
}

export async function remove({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const name = args[0] ?? '';
  await api.call((client) => groupsDelete({ client, path: { name } }));
  out.done({ name, deleted: true }, `${name}: deleted`);
  return EXIT.ok;
}

function groupOf(api: Api, name: string) {
  return api.call((client) => groupsGet({ client, path: { name } }));
}

function priorityOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,7}$/.test(text)) return Number(text);
  throw usageError(`--priority ${JSON.stringify(text)} must be a whole number`);
}
