/** `opmas agents ls` and `inspect`. */
import { agentsHealth, agentsList } from '@opmas/client';
import type { Agent } from '@opmas/protocol';
import { agentOf } from '../api/agent-ref.ts';
import { collect } from '../api/pages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { ago } from '../output/time.ts';
import { paintOf } from '../output/words.ts';
import { given, type Run } from '../run.ts';

type ListQuery = NonNullable<Parameters<typeof agentsList>[0]>['query'];

export async function list({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const filter = given({
    status: options.text('status') as NonNullable<ListQuery>['status'],
    type: options.text('type'),
    tag: options.text('tag'),
    q: options.text('query'),
  });
  const agents = await collect(options.limit(), (query) =>
    api.call((client) => agentsList({ client, query: { ...query, ...filter } })),
  );
  out.list(agents, columns(Date.now()), 'No agents. `opmas packages ls` shows what was found.');
  return EXIT.ok;
}

export function columns(now: number): Column<Agent>[] {
  return [
    { head: 'NAME', value: ({ name }) => name, whole: true },
    {
      head: 'STATUS',
      value: ({ status }) => status,
      paint: ({ status }, colours) => paintOf(status, colours),
    },
    { head: 'TYPE', value: ({ type }) => type },
    { head: 'VERSION', value: ({ version }) => version },
    { head: 'HEARTBEAT', value: ({ last_heartbeat }) => ago(last_heartbeat, now) },
    { head: 'FINDINGS', value: ({ findings_count }) => findings_count },
    { head: 'RESTARTS', value: ({ restarts }) => restarts },
    { head: 'ID', value: ({ agent_id }) => agent_id, whole: true },
    { head: 'REASON', value: ({ reason }) => reason, whole: true },
  ];
}

export async function inspect({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const agent = await agentOf(api, args[0] ?? '');
  const health = await api.call((client) =>
    agentsHealth({ client, path: { agent_id: agent.agent_id } }),
  );
  const conditions = agent.conditions.map(
    ({ type, reason, message, since }) => `${type} since ${since}: ${message || reason}`,
  );
  out.one({ ...agent, health }, [
    ['name', agent.name],
    ['id', agent.agent_id],
    ['type', agent.type],
    ['version', agent.version],
    ['description', agent.description],
    ['status', agent.status],
    ['reason', agent.reason],
    ...conditions.map((text) => ['condition', text] as const),
    ['desired', agent.desired],
    ['health', health.status],
    ['host', agent.host_id],
    ['pid', agent.pid],
    ['uptime', health.uptime === null ? null : `${Math.round(health.uptime)} s`],
    ['last heartbeat', agent.last_heartbeat],
    ['restarts', agent.restarts],
    ['findings', agent.findings_count],
    ['configuration', `version ${agent.config_version}, hash ${agent.config_hash ?? '-'}`],
    ['tags', agent.tags.join(', ')],
    ['created', agent.created_at],
    ['updated', agent.updated_at],
    ...Object.entries(health.metrics).map(([name, value]) => [`metric ${name}`, value] as const),
  ]);
  return EXIT.ok;
}
