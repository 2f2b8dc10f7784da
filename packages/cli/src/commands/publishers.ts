/** `opmas publishers ls|add|rm`: whose signature on a package counts. */
import { publishersAdd, publishersList, publishersRemove } from '@opmas/client';
import type { Publisher } from '@opmas/protocol';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import type { Run } from '../run.ts';
import { readKey } from './package-sign.ts';

const COLUMNS: readonly Column<Publisher>[] = [
  { head: 'NAME', value: ({ name }) => name },
  { head: 'KEY', value: ({ key_id }) => key_id, whole: true },
  { head: 'ADDED BY', value: ({ added_by }) => added_by },
  { head: 'SINCE', value: ({ created_at }) => created_at, whole: true },
];

export async function list({ api: connect, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const { items } = await api.call((client) => publishersList({ client }));
  out.list(items, COLUMNS, 'No publisher is trusted. `opmas package keygen` makes a key.');
  return EXIT.ok;
}

export async function add(run: Run): Promise<ExitCode> {
  const [name = '', file = ''] = run.args;
  const body = { name, public_key: await readKey(run, file) };
  const api = await run.api();
  const added = await api.call((client) => publishersAdd({ client, body }));
  run.out.done(added, `${added.name}: packages signed with ${added.key_id} are trusted.`);
  return EXIT.ok;
}

export async function remove({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const key_id = args[0] ?? '';
  await api.call((client) => publishersRemove({ client, path: { key_id } }));
  out.done({ key_id, removed: true }, `${key_id}: trusted no longer. What runs is not stopped.`);
  return EXIT.ok;
}
