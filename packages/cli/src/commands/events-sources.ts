/** `opmas events sources`: where events come from, and who fell silent. */
import { type SourcesListResponse, sourcesList } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { collect } from '../api/pages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

type Row = SourcesListResponse['items'][number];

const COLUMNS: readonly Column<Row>[] = [
  { head: 'AGENT', value: ({ agent_name }) => agent_name },
  { head: 'TOPIC', value: ({ topic }) => topic },
  { head: 'HOST', value: ({ host }) => host ?? 'all' },
  { head: 'LAST HEARD', value: ({ last_at }) => last_at, whole: true },
  {
    head: 'SILENT AFTER',
    value: ({ silent_after }) => (silent_after === null ? null : `${Math.round(silent_after)} s`),
  },
  {
    head: 'STATE',
    value: stateOf,
    paint: ({ silent }, colours) => (silent ? colours.yellow : undefined),
  },
];

export async function sources({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const ref = options.text('agent');
  const filter = given({
    agent_id: ref === undefined ? undefined : (await agentOf(api, ref)).agent_id,
    silent: options.flag('silent') ? true : undefined,
  });
  const rows = await collect(options.limit(), (query) =>
    api.call((client) => sourcesList({ client, query: { ...query, ...filter } })),
  );
  out.list(rows, COLUMNS, options.flag('silent') ? 'None fell silent.' : 'No sources yet.');
  return EXIT.ok;
}

/** One without a rhythm cannot be missed. */
function stateOf({ silent, silent_after }: Row): string {
  if (silent) return 'silent';
  return silent_after === null ? 'new' : 'ok';
}
