/** `opmas findings ls [--follow]` and `show`. */
import { findingsGet, findingsList } from '@opmas/client';
import type { FindingRecord } from '@opmas/protocol';
import { agentOf } from '../api/agent-ref.ts';
import type { Api } from '../api/api.ts';
import { follow } from '../api/feed.ts';
import { collect } from '../api/pages.ts';
import { asError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Column, Output } from '../output/output.ts';
import { visible } from '../output/visible.ts';
import { paintOf } from '../output/words.ts';
import { given, type Run } from '../run.ts';
import { remember } from './agents-logs.ts';

type ListQuery = NonNullable<NonNullable<Parameters<typeof findingsList>[0]>['query']>;

const COLUMNS: readonly Column<FindingRecord>[] = [
  { head: 'TIME', value: ({ timestamp }) => timestamp, whole: true },
  {
    head: 'SEVERITY',
    value: ({ severity }) => severity,
    paint: ({ severity }, colours) => paintOf(severity, colours),
  },
  { head: 'AGENT', value: ({ agent_name }) => agent_name },
  { head: 'TYPE', value: ({ type }) => type },
  { head: 'STATUS', value: ({ status }) => status },
  { head: 'ID', value: ({ finding_id }) => finding_id, whole: true },
  { head: 'DESCRIPTION', value: ({ description }) => description, whole: true },
];

export async function list(run: Run): Promise<ExitCode> {
  const { out, options } = run;
  const api = await run.api();
  const filter = await filterOf(run, api);
  const newest = () =>
    collect(options.limit(), (query) =>
      api.call((client) => findingsList({ client, query: { ...query, ...filter } })),
    );
  if (options.flag('follow')) return live(run, api, filter, newest);
  out.list(await newest(), COLUMNS, 'No findings.');
  return EXIT.ok;
}

async function filterOf({ options }: Run, api: Api): Promise<ListQuery> {
  const ref = options.text('agent');
  return given({
    agent_id: ref === undefined ? undefined : (await agentOf(api, ref)).agent_id,
    type: options.text('type'),
    severity: options.text('severity') as ListQuery['severity'],
    status: options.text('status') as ListQuery['status'],
    from: options.time('since'),
    to: options.time('until'),
    q: options.text('query'),
  });
}

/** Subscribes first and reads the list then, so that nothing falls between the two. */
async function live(
  run: Run,
  api: Api,
  filter: ListQuery,
  newest: () => Promise<FindingRecord[]>,
): Promise<ExitCode> {
  const { io, out } = run;
  const stop = io.onInterrupt();
  const ended = new AbortController();
  const shown = new Set<string>();
  let held: FindingRecord[] | undefined = [];
  let failed: Error | undefined;
  const show = (finding: FindingRecord) => {
    if (shown.has(finding.finding_id)) return;
    remember(shown, finding.finding_id);
    out.event(finding, () => lineOf(finding, out));
  };
  const catchUp = () => {
    held ??= [];
    newest().then(
      (findings) => {
        for (const finding of findings.toReversed()) show(finding);
        for (const finding of held ?? []) show(finding);
        held = undefined;
      },
      (error: unknown) => {
        failed = asError(error);
        ended.abort();
      },
    );
  };
  await follow({
    api,
    topics: ['findings'],
    signal: AbortSignal.any([stop, ended.signal]),
    onReady: catchUp,
    onMessage: ({ type, data }) => {
      const finding = type === 'finding' ? findingIn(data) : undefined;
      if (finding === undefined || !fits(finding, filter)) return;
      if (held === undefined) show(finding);
      else if (held.length < limits.feedHeld) held.push(finding);
    },
    onNote: (text) => io.note(text),
  });
  if (failed !== undefined) throw failed;
  return EXIT.interrupted;
}

export async function show({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const finding = await api.call((client) =>
    findingsGet({ client, path: { finding_id: args[0] ?? '' } }),
  );
  const { event, ...details } = finding.details;
  out.one(finding, [
    ['id', finding.finding_id],
    ['time', finding.timestamp],
    ['severity', finding.severity],
    ['status', finding.status],
    ['type', finding.type],
    ['agent', `${finding.agent_name} (${finding.agent_id})`],
    ['topic', finding.topic],
    ['description', finding.description],
    ...Object.entries(details),
    ...(typeof event === 'object' && event !== null
      ? Object.entries(event).map(([name, value]) => [`event ${name}`, value] as const)
      : []),
  ]);
  return EXIT.ok;
}

export function lineOf(finding: FindingRecord, { colours }: Output): string {
  const paint = paintOf(finding.severity, colours) ?? ((text: string) => text);
  return [
    colours.dim(visible(finding.timestamp)),
    paint(visible(finding.severity).padEnd(8)),
    colours.bold(visible(finding.agent_name)),
    visible(finding.type),
    visible(finding.description),
  ].join(' ');
}

export function findingIn(data: unknown): FindingRecord | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  return 'finding_id' in data && 'severity' in data && 'description' in data && 'agent_name' in data
    ? (data as FindingRecord)
    : undefined;
}

function fits(finding: FindingRecord, filter: ListQuery): boolean {
  const same = (['agent_id', 'type', 'severity', 'status'] as const).every(
    (name) => filter[name] === undefined || finding[name] === filter[name],
  );
  const { q } = filter;
  return same && (q === undefined || finding.description.toLowerCase().includes(q.toLowerCase()));
}
