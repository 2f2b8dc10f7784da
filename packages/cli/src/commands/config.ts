/** `opmas config get|set|unset|history`: the database layer of an agent, key by key. */
import { configsGet, configsHistory, configsPut } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import type { Api } from '../api/api.ts';
import { collect } from '../api/pages.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { given, type Run } from '../run.ts';
import { getKey, type Json, leavesOf, parseAssignment, setKey, unsetKey } from './config-keys.ts';
import { parseJson, readInput } from './read-input.ts';

export async function get(run: Run): Promise<ExitCode> {
  const { args, options, out } = run;
  const api = await run.api();
  const { agent_id } = await agentOf(api, args[0] ?? '');
  const answer = await api.call((client) =>
    configsGet({
      client,
      path: { agent_id },
      query: {
        ...(options.flag('origins') && { origins: true }),
        ...(options.flag('database') && { layer: 'database' as const }),
      },
    }),
  );
  const key = args[1];
  if (key !== undefined) {
    const value = getKey(answer.config, key);
    if (value === undefined) throw new CliError(EXIT.notFound, `${key} is not set`);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (out.json) out.event(value, () => '');
    else out.done({}, text);
    return EXIT.ok;
  }
  const origins = answer.origins ?? {};
  out.one(answer, [
    ['# version', answer.version],
    ['# hash', answer.hash],
    ...leavesOf(answer.config).map(([name, value]) => {
      const origin = origins[name];
      return [
        name,
        typeof origin === 'string' ? `${JSON.stringify(value)}  (${origin})` : value,
      ] as const;
    }),
  ]);
  return EXIT.ok;
}

export async function set(run: Run): Promise<ExitCode> {
  const { args, options } = run;
  const assignments = args.slice(1).map(parseAssignment);
  const file = options.text('file');
  if ((file === undefined) === (assignments.length === 0)) {
    throw usageError('Say what to set: key=value …, or --file');
  }
  const whole =
    file === undefined ? undefined : objectOf(parseJson(await readInput(run, file), file), file);
  return change(run, (before) => {
    if (whole !== undefined) return whole;
    return assignments.reduce((layer, [key, value]) => setKey(layer, key, value), before);
  });
}

export async function unset(run: Run): Promise<ExitCode> {
  return change(run, (before) =>
    run.args.slice(1).reduce((layer, key) => {
      if (getKey(layer, key) === undefined) {
        throw new CliError(EXIT.notFound, `${key} is not set in the database layer`);
      }
      return unsetKey(layer, key);
    }, before),
  );
}

/** Reads the layer, changes it, and writes it only if nobody else has meanwhile. */
async function change(run: Run, edit: (layer: Json) => Json): Promise<ExitCode> {
  const { args, options, out } = run;
  const api = await run.api();
  const agent = await agentOf(api, args[0] ?? '');
  const path = { agent_id: agent.agent_id };
  const wanted = options.count('ifVersion', 999_999_999);
  const before = await layerOf(api, path);
  const reason = options.text('reason');
  const answer = await api.call((client) =>
    configsPut({
      client,
      path,
      query: given({ reason }),
      headers: { 'If-Match': `"${wanted ?? before.version}"` },
      body: edit(before.config),
    }),
  );
  out.done(answer, `${agent.name}: configuration is now version ${answer.version}`);
  return EXIT.ok;
}

function layerOf(api: Api, path: { agent_id: string }) {
  return api.call((client) => configsGet({ client, path, query: { layer: 'database' } }));
}

export async function history({ api: connect, args, options, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const { agent_id } = await agentOf(api, args[0] ?? '');
  const versions = await collect(options.limit(), (query) =>
    api.call((client) => configsHistory({ client, path: { agent_id }, query })),
  );
  out.list(
    versions,
    [
      { head: 'VERSION', value: ({ version }) => version },
      { head: 'TIME', value: ({ created_at }) => created_at, whole: true },
      { head: 'BY', value: ({ author }) => author },
      { head: 'REASON', value: ({ reason }) => reason },
      { head: 'LAYER', value: ({ config }) => JSON.stringify(config) },
    ],
    'Never changed.',
  );
  return EXIT.ok;
}

function objectOf(value: unknown, from: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw usageError(`${from} must hold one JSON object`);
}
