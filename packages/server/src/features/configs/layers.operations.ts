/** The API of layers: the same operations for the fleet, a group, an environment and an agent. */
import {
  type ConfigLayer,
  JsonObject,
  Page,
  type Static,
  type TObject,
  Type,
} from '@opmas/protocol';
import {
  badCursor,
  decodeCursor,
  encodeCursor,
  pageLimit,
  pageQuery,
} from '../../kernel/paging.ts';
import { type Call, type Operation, operation } from '../../operation.ts';
import type { ConfigChange, ConfigWrite } from './config.ts';
import type { ConfigsService } from './configs.service.ts';
import {
  ChangedLayer,
  ConfigVersion,
  DiffAnswer,
  DiffQuery,
  Layer,
  Reason,
  RollbackBody,
  ValidationAnswer,
} from './schemas.ts';
import type { ScopeRef } from './scopes.ts';

export interface LayerOperationsOptions<P extends TObject> {
  configs: ConfigsService;
  /** Tells whoever brings configurations to agents. */
  pushConfig: () => void;
  /** `configs.fleet` */
  id: string;
  /** `/groups/{name}/config` */
  path: string;
  params: P;
  /** For summaries: `a group`. */
  whose: string;
  /** Of one agent: a grant limited to it is enough. */
  scope?: 'agent';
  refOf(params: Static<P>): ScopeRef;
}

/** Validate, history and diff. */
export function lookingOperations<P extends TObject>(
  options: LayerOperationsOptions<P>,
): Operation[] {
  const { configs, id, path, params, whose, refOf } = options;
  const scoped = options.scope === undefined ? {} : { scope: options.scope };
  return [
    operation({
      id: `${id}.validate`,
      summary: `What a new layer of ${whose} would change, and whether it is valid; nothing is stored`,
      kind: 'unary',
      effect: 'read',
      permission: 'configs:write',
      ...scoped,
      rest: { method: 'POST', path: `${path}/validate`, tag: 'configs' },
      params,
      body: JsonObject,
      output: ValidationAnswer,
      run: (input, call) =>
        configs.validate(call.db, refOf(input.params), input.body as ConfigLayer),
    }),
    operation({
      id: `${id}.history`,
      summary: `Versions of the layer of ${whose}, newest first`,
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      ...scoped,
      rest: { method: 'GET', path: `${path}/history`, tag: 'configs' },
      params,
      query: Type.Object({ ...pageQuery }),
      output: Page(ConfigVersion),
      run: async (input, call) => {
        const { query } = input;
        const before = query.cursor === undefined ? undefined : versionIn(query.cursor);
        const { items, next } = await configs.history(
          call.db,
          refOf(input.params),
          pageLimit(query),
          before,
        );
        return {
          items: items.map(({ document, created_at, expires_at, ...row }) => ({
            ...row,
            config: document,
            created_at: created_at.toISOString(),
            expires_at: expires_at?.toISOString() ?? null,
          })),
          next_cursor: next === undefined ? null : encodeCursor([String(next)]),
        };
      },
    }),
    operation({
      id: `${id}.diff`,
      summary: `What differs between two versions of the layer of ${whose}: by default the last two`,
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      ...scoped,
      rest: { method: 'GET', path: `${path}/diff`, tag: 'configs' },
      params,
      query: DiffQuery,
      output: DiffAnswer,
      run: (input, call) => configs.diff(call.db, refOf(input.params), input.query),
    }),
  ];
}

/** @throws {OpmasError} OPMAS_INVALID_REQUEST */
function versionIn(cursor: string): number {
  const [text = ''] = decodeCursor(cursor, 1);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badCursor();
}

/** All of a layer that reaches many agents. */
export function layerOperations<P extends TObject>(
  options: LayerOperationsOptions<P>,
): Operation[] {
  const { configs, pushConfig, id, path, params, whose, refOf } = options;
  return [
    operation({
      id: `${id}.get`,
      summary: `The layer of ${whose}`,
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      rest: { method: 'GET', path, etag: true, tag: 'configs' },
      params,
      output: Layer,
      run: (input, call) => configs.layer(call.db, refOf(input.params)),
    }),
    operation({
      id: `${id}.put`,
      summary: `Replace the layer of ${whose}`,
      kind: 'unary',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'PUT', path, etag: true, tag: 'configs' },
      params,
      query: Type.Object({ reason: Reason }),
      body: JsonObject,
      output: ChangedLayer,
      run: async (input, call) => {
        const change = await configs.replace(call.db, refOf(input.params), {
          document: input.body as ConfigLayer,
          ...writeOf(call, input.query, input.ifMatch),
        });
        return announceLayer(change, call, pushConfig);
      },
    }),
    operation({
      id: `${id}.rollback`,
      summary: `Make an old version of the layer of ${whose} the newest`,
      kind: 'unary',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'POST', path: `${path}/rollback`, etag: true, tag: 'configs' },
      params,
      query: Type.Object({ reason: Reason }),
      body: RollbackBody,
      output: ChangedLayer,
      run: async (input, call) => {
        const { version } = input.body;
        const change = await configs.rollback(call.db, refOf(input.params), {
          version,
          ...writeOf(call, input.query, input.ifMatch),
        });
        return announceLayer(change, call, pushConfig, { restored: version });
      },
    }),
    ...lookingOperations(options),
  ];
}

export function announceLayer(
  change: ConfigChange,
  call: Call,
  pushConfig: () => void,
  details: Record<string, unknown> = {},
): Static<typeof ChangedLayer> {
  const { layer, reached, changed, before, after, secretsSet } = change;
  const { scope, name, version } = layer;
  call.audit({
    object: name ?? scope,
    details: {
      ...details,
      scope,
      version,
      reached,
      changed: changed.length,
      ...(secretsSet.length === 0 ? {} : { newly_set: secretsSet }),
    },
    before,
    after,
  });
  call.afterCommit(pushConfig);
  return { ...layer, reached, changed: changed.length };
}

export function writeOf(
  call: Call,
  { reason }: { reason?: string },
  ifMatch: number | undefined,
): ConfigWrite {
  return { author: call.caller.name, reason, ifMatch };
}
