/** `opmas rules ls`: what rules do in service. */
import { type RulesListResponse, rulesList } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { collect } from '../api/pages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

type Row = RulesListResponse['items'][number];

const COLUMNS: readonly Column<Row>[] = [
  { head: 'RULE', value: ({ rule_id }) => rule_id, whole: true },
  { head: 'KIND', value: ({ kind }) => kind },
  { head: 'AGENTS', value: ({ agents_count }) => agents_count },
  { head: 'HITS', value: ({ hits }) => hits },
  { head: 'LAST HIT', value: ({ last_hit }) => last_hit, whole: true },
  {
    head: 'NS/EVENT',
    value: ({ cost_ns }) => (cost_ns === null ? null : Math.round(cost_ns)),
  },
  {
    head: 'STATE',
    value: ({ slow, disabled }) => (disabled ? 'disabled' : slow ? 'slow' : 'ok'),
    paint: ({ slow, disabled }, colours) =>
      disabled ? colours.red : slow ? colours.yellow : undefined,
  },
];

const YEAR_SECONDS = 31_536_000;

export async function list({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const ref = options.text('agent');
  const filter = given({
    agent_id: ref === undefined ? undefined : (await agentOf(api, ref)).agent_id,
    silent: options.count('silent', YEAR_SECONDS),
  });
  const rows = await collect(options.limit(), (query) =>
    api.call((client) => rulesList({ client, query: { ...query, ...filter } })),
  );
  out.list(rows, COLUMNS, 'No rules.');
  return EXIT.ok;
}
