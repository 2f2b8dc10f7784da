/** `opmas tokens ls|create|revoke`: for scripts, and for agents on other hosts. */
import { tokensCreate, tokensList, tokensRevoke } from '@opmas/client';
import { collect } from '../api/pages.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

type ListQuery = NonNullable<NonNullable<Parameters<typeof tokensList>[0]>['query']>;
type Body = Parameters<typeof tokensCreate>[0]['body'];
type TokenRow = Omit<NonNullable<Awaited<ReturnType<typeof tokensCreate>>['data']>, 'token'>;

const MAX_USES = 100_000;
const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 };

const COLUMNS: readonly Column<TokenRow>[] = [
  { head: 'ID', value: ({ token_id }) => token_id, whole: true },
  { head: 'KIND', value: ({ kind }) => kind },
  { head: 'NAME', value: ({ name }) => name },
  { head: 'FOR', value: forWhat },
  {
    head: 'USES',
    value: ({ uses, max_uses }) => (max_uses === null ? '-' : `${uses}/${max_uses}`),
  },
  { head: 'MADE BY', value: ({ created_by }) => created_by },
  { head: 'EXPIRES', value: ({ expires_at }) => expires_at, whole: true },
  { head: 'LAST USED', value: ({ last_used_at }) => last_used_at, whole: true },
  { head: 'REVOKED', value: ({ revoked_at }) => revoked_at, whole: true },
];

export async function list({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const filter = given({ kind: options.text('kind') as ListQuery['kind'] });
  const tokens = await collect(options.limit(), (query) =>
    api.call((client) => tokensList({ client, query: { ...query, ...filter } })),
  );
  out.list(tokens, COLUMNS, 'No tokens. `opmas tokens create` makes one.');
  return EXIT.ok;
}

/** The text of the token alone goes to standard output, so that a script can take it. */
export async function create({ api: connect, out, io, args, options }: Run): Promise<ExitCode> {
  const kind = args[0] as Body['kind'];
  const body: Body = {
    kind,
    name: args[1] ?? '',
    ...given({
      expires_in: secondsOf(options.text('expires')),
      roles: listOf(options.texts('role')),
      max_uses: options.count('uses', MAX_USES),
      agent_type: options.text('type'),
      tags: listOf(options.texts('tag')),
      replace: options.flag('replace') ? true : undefined,
    }),
  };
  const api = await connect();
  const made = await api.call((client) => tokensCreate({ client, body }));
  if (!out.json)
    io.note(`${made.name}: good until ${made.expires_at ?? 'it is revoked'}; shown this once:`);
  out.done(made, made.token);
  return EXIT.ok;
}

export async function revoke({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const token_id = args[0] ?? '';
  await api.call((client) => tokensRevoke({ client, path: { token_id } }));
  out.done({ token_id, revoked: true }, `${token_id}: revoked`);
  return EXIT.ok;
}

function forWhat({ kind, roles, agent_type, tags }: TokenRow): string {
  if (kind === 'api') return roles.join(' ');
  return [agent_type ?? 'any type', ...tags.map((tag) => `#${tag}`)].join(' ');
}

function listOf(texts: readonly string[]): string[] | undefined {
  return texts.length === 0 ? undefined : [...texts];
}

/** `30m`, `12h`, `90d` in seconds. */
function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,6})([mhd])$/.exec(text);
  if (match === null)
    throw usageError(`--expires ${JSON.stringify(text)} must be like 30m, 12h or 90d`);
  return Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1);
}
