/** `opmas status`: what runs here or at the given server, and how the agents are. */
import { agentsList, setupGet } from '@opmas/client';
import { type RunningInstance, runningInstance } from '@opmas/launcher';
import type { HealthReport } from '@opmas/protocol';
import type { Api } from '../api/api.ts';
import { noAnswer } from '../api/failure.ts';
import { collect } from '../api/pages.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Run } from '../run.ts';

export async function status(run: Run): Promise<ExitCode> {
  const api = await run.api();
  const elsewhere = !api.target.local && (run.options.text('url') ?? run.io.env['OPMAS_URL']);
  const instance = elsewhere ? undefined : runningInstance(run.dataDir);
  if (!elsewhere && instance === undefined) {
    const nothing = { running: false, data_dir: run.dataDir };
    run.out.done(nothing, `Nothing runs on ${run.dataDir}. Start it with \`npm start\`.`);
    return EXIT.unreachable;
  }
  const answers = elsewhere || (instance !== undefined && instance.url !== null);
  const health = answers ? await healthOf(api) : undefined;
  const agents = health === undefined ? undefined : await countAgents(api, run);
  // The run file is written once; whether the link is still of use the server knows.
  if (instance !== undefined && health !== undefined && !(await setupNeeded(api))) {
    instance.setup_url = null;
  }
  const report = {
    running: true,
    ...(instance === undefined ? { url: api.target.url } : described(instance)),
    health: health ?? null,
    agents: agents ?? null,
  };
  run.out.one(report, [
    ['url', instance === undefined ? api.target.url : (instance.url ?? 'starting')],
    ...(instance === undefined ? [] : linesOf(instance)),
    ...(health === undefined ? [] : healthLines(health)),
    ...(agents === undefined ? [] : [['agents', agentsLine(agents)] as const]),
  ]);
  const whole = instance?.children.every(({ alive }) => alive) ?? true;
  return whole && health?.status === 'ready' ? EXIT.ok : EXIT.partial;
}

/** Undefined: it does not answer (yet). An elsewhere that does not answer is an error. */
async function healthOf(api: Api): Promise<HealthReport | undefined> {
  try {
    const response = await fetch(`${api.target.url}/health`, {
      signal: AbortSignal.timeout(limits.probeMs),
    });
    const report: unknown = await response.json();
    if (typeof report === 'object' && report !== null && 'components' in report) {
      return report as HealthReport;
    }
    throw new CliError(EXIT.failed, `${api.target.url} is no OPMAS: /health answers otherwise`);
  } catch (error) {
    if (api.target.local) return undefined;
    throw noAnswer(error, api.target.url);
  }
}

async function setupNeeded(api: Api): Promise<boolean> {
  return (await api.call((client) => setupGet({ client }))).needed;
}

/** Agents by status. Undefined for somebody who may not see them: the rest of the report stands. */
async function countAgents(api: Api, run: Run): Promise<Record<string, number> | undefined> {
  try {
    const agents = await collect(limits.listItems, (query) =>
      api.call((client) => agentsList({ client, query })),
    );
    const counts: Record<string, number> = {};
    for (const { status: word } of agents) counts[word] = (counts[word] ?? 0) + 1;
    return counts;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    run.io.note(`The agents cannot be counted: ${error.message}`);
    return undefined;
  }
}

function described(instance: RunningInstance): Omit<RunningInstance, 'start_time' | 'boot_id'> {
  const { start_time: _start, boot_id: _boot, ...rest } = instance;
  return rest;
}

type Line = readonly [string, unknown];

function linesOf(instance: RunningInstance): Line[] {
  const { syslog, setup_url: setup, children } = instance;
  return [
    ['process', `${instance.pid}, since ${instance.started_at}`],
    ['data', instance.data_dir],
    ['agents directory', instance.agents_dir],
    ...(syslog === null ? [] : [['syslog', syslogLine(syslog)] as const]),
    ...(setup === null ? [] : [['set-up link', setup] as const]),
    [
      'parts',
      children.map(({ name, pid }) => `${name} ${pid === null ? 'DOWN' : `(${pid})`}`).join(', '),
    ],
  ];
}

function syslogLine({
  host,
  udp_port,
  tcp_port,
  tls_port,
}: NonNullable<RunningInstance['syslog']>) {
  const over = tls_port === undefined ? '' : `, tls ${host}:${tls_port}`;
  return `udp ${host}:${udp_port}, tcp ${host}:${tcp_port}${over}`;
}

function healthLines({ status: word, components, durability }: HealthReport): Line[] {
  const poor = Object.entries(components)
    .filter(([, component]) => component.status !== 'up')
    .map(
      ([name, { status: state, detail }]) =>
        `${name} ${state}${detail === undefined ? '' : ` (${detail})`}`,
    );
  return [
    ['health', poor.length === 0 ? word : `${word}: ${poor.join(', ')}`],
    ['durability', durability],
  ];
}

function agentsLine(counts: Record<string, number>): string {
  const entries = Object.entries(counts);
  return entries.length === 0 ? 'none' : entries.map(([word, n]) => `${n} ${word}`).join(', ');
}
