/** Which layer a `config` command is about: an agent's own, its runtime one, or one that reaches many. */
import {
  configsDiff,
  configsEnvironmentDiff,
  configsEnvironmentGet,
  configsEnvironmentHistory,
  configsEnvironmentPut,
  configsEnvironmentRollback,
  configsEnvironmentValidate,
  configsFleetDiff,
  configsFleetGet,
  configsFleetHistory,
  configsFleetPut,
  configsFleetRollback,
  configsFleetValidate,
  configsGet,
  configsGroupDiff,
  configsGroupGet,
  configsGroupHistory,
  configsGroupPut,
  configsGroupRollback,
  configsGroupValidate,
  configsHistory,
  configsPut,
  configsRollback,
  configsRuntimeGet,
  configsRuntimePut,
  configsRuntimeValidate,
  configsValidate,
} from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import type { Api } from '../api/api.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { given, type Run } from '../run.ts';
import type { Json } from './config-keys.ts';

type Query = { limit: number; cursor?: string };
export interface DiffRange {
  from?: number;
  to?: number;
}

/** A layer, and what can be done with it. */
export interface Target {
  api: Api;
  /** For people: `door_agent`, `the fleet`, `group berlin`. */
  label: string;
  /** Of an agent's own or runtime layer. */
  agentId: string | undefined;
  /** How drafts name it. */
  layer: { scope: 'agent' | 'environment' | 'fleet' | 'group'; name?: string };
  /** Arguments after the agent. */
  rest: readonly string[];
  read(): Promise<{ version: number; config: Json }>;
  /** Only if the layer still has this version. */
  write(document: Json, ifVersion: number, reason: string | undefined): Promise<Written>;
  validate(document: Json): ReturnType<typeof validationOf>;
  history(query: Query): ReturnType<typeof historyOf>;
  diff(range: DiffRange): ReturnType<typeof diffOf>;
  rollback(version: number, reason: string | undefined): Promise<Written>;
}

/** The answer of a write; `changed` only for layers that reach many agents. */
export interface Written {
  version: number;
  reached?: number;
  changed?: number;
}

const ENVIRONMENTS = ['development', 'testing', 'staging', 'production'] as const;

/** @throws {CliError} usage when two layers are named */
export async function targetOf(run: Run): Promise<Target> {
  const { args, options } = run;
  const group = options.text('group');
  const environment = options.text('environment');
  const many = [options.flag('fleet'), group !== undefined, environment !== undefined];
  const named = many.filter(Boolean).length;
  if (named > 1 || (named === 1 && options.flag('runtime'))) {
    throw usageError('Name one layer: an agent, --fleet, --group or --environment');
  }
  const api = await run.api();
  if (options.flag('fleet')) return fleet(api, args);
  if (group !== undefined) return ofGroup(api, group, args);
  if (environment !== undefined) return ofEnvironment(api, environment, args);
  const { agent_id, name } = await agentOf(api, args[0] ?? '');
  const target = ofAgent(api, { agent_id, name }, args.slice(1));
  return options.flag('runtime')
    ? runtimeOf(target, agent_id, options.count('expires', 30 * 86_400))
    : target;
}

function ofAgent(
  api: Api,
  { agent_id, name }: { agent_id: string; name: string },
  rest: readonly string[],
): Target {
  const path = { agent_id };
  return {
    api,
    label: name,
    agentId: agent_id,
    layer: { scope: 'agent', name: agent_id },
    rest,
    read: () =>
      api.call((client) => configsGet({ client, path, query: { layer: 'database' as const } })),
    write: (body, ifVersion, reason) =>
      api.call((client) =>
        configsPut({ client, path, query: given({ reason }), headers: ifMatch(ifVersion), body }),
      ),
    validate: (body) => validationOf(api, path, body),
    history: (query) => historyOf(api, path, query),
    diff: (query) => diffOf(api, path, query),
    rollback: (version, reason) =>
      api.call((client) =>
        configsRollback({ client, path, query: given({ reason }), body: { version } }),
      ),
  };
}

function validationOf(api: Api, path: { agent_id: string }, body: Json) {
  return api.call((client) => configsValidate({ client, path, body }));
}

function historyOf(api: Api, path: { agent_id: string }, query: Query) {
  return api.call((client) => configsHistory({ client, path, query }));
}

function diffOf(api: Api, path: { agent_id: string }, query: DiffRange) {
  return api.call((client) => configsDiff({ client, path, query }));
}

/** The runtime layer has a version and a document, and no history of its own to look at. */
function runtimeOf(target: Target, agentId: string, expires: number | undefined): Target {
  const { api, label } = target;
  const path = { agent_id: agentId };
  const none = (what: string) => () =>
    Promise.reject(
      new CliError(EXIT.usage, `The runtime layer has no ${what}`, {
        fix: 'Leave --runtime out.',
      }),
    );
  return {
    ...target,
    label: `${label} (runtime)`,
    read: () => api.call((client) => configsRuntimeGet({ client, path })),
    write: (body, ifVersion, reason) =>
      api.call((client) =>
        configsRuntimePut({
          client,
          path,
          query: given({ reason, expires_in: expires }),
          headers: ifMatch(ifVersion),
          body,
        }),
      ),
    validate: (body) => api.call((client) => configsRuntimeValidate({ client, path, body })),
    history: none('history'),
    diff: none('versions to compare'),
    rollback: none('versions to go back to'),
  };
}

function fleet(api: Api, rest: readonly string[]): Target {
  return {
    api,
    label: 'the fleet',
    agentId: undefined,
    layer: { scope: 'fleet' },
    rest,
    read: () => api.call((client) => configsFleetGet({ client })),
    write: (body, ifVersion, reason) =>
      api.call((client) =>
        configsFleetPut({ client, query: given({ reason }), headers: ifMatch(ifVersion), body }),
      ),
    validate: (body) => api.call((client) => configsFleetValidate({ client, body })),
    history: (query) => api.call((client) => configsFleetHistory({ client, query })),
    diff: (query) => api.call((client) => configsFleetDiff({ client, query })),
    rollback: (version, reason) =>
      api.call((client) =>
        configsFleetRollback({ client, query: given({ reason }), body: { version } }),
      ),
  };
}

function ofGroup(api: Api, name: string, rest: readonly string[]): Target {
  const path = { name };
  return {
    api,
    label: `group ${name}`,
    agentId: undefined,
    layer: { scope: 'group', name },
    rest,
    read: () => api.call((client) => configsGroupGet({ client, path })),
    write: (body, ifVersion, reason) =>
      api.call((client) =>
        configsGroupPut({
          client,
          path,
          query: given({ reason }),
          headers: ifMatch(ifVersion),
          body,
        }),
      ),
    validate: (body) => api.call((client) => configsGroupValidate({ client, path, body })),
    history: (query) => api.call((client) => configsGroupHistory({ client, path, query })),
    diff: (query) => api.call((client) => configsGroupDiff({ client, path, query })),
    rollback: (version, reason) =>
      api.call((client) =>
        configsGroupRollback({ client, path, query: given({ reason }), body: { version } }),
      ),
  };
}

function ofEnvironment(api: Api, name: string, rest: readonly string[]): Target {
  const environment = ENVIRONMENTS.find((each) => each === name);
  if (environment === undefined) {
    throw usageError(`--environment ${JSON.stringify(name)} must be ${ENVIRONMENTS.join(', ')}`);
  }
  const path = { environment };
  return {
    api,
    label: `environment ${name}`,
    agentId: undefined,
    layer: { scope: 'environment', name },
    rest,
    read: () => api.call((client) => configsEnvironmentGet({ client, path })),
    write: (body, ifVersion, reason) =>
      api.call((client) =>
        configsEnvironmentPut({
          client,
          path,
          query: given({ reason }),
          headers: ifMatch(ifVersion),
          body,
        }),
      ),
    validate: (body) => api.call((client) => configsEnvironmentValidate({ client, path, body })),
    history: (query) => api.call((client) => configsEnvironmentHistory({ client, path, query })),
    diff: (query) => api.call((client) => configsEnvironmentDiff({ client, path, query })),
    rollback: (version, reason) =>
      api.call((client) =>
        configsEnvironmentRollback({ client, path, query: given({ reason }), body: { version } }),
      ),
  };
}

function ifMatch(version: number): { 'If-Match': string } {
  return { 'If-Match': `"${version}"` };
}
