/** The API of drafts: prepare a layer, see what it would do, publish it as one version. */
import {
  AgentId,
  type ConfigLayer,
  check,
  JsonObject,
  Page,
  Timestamp,
  Type,
} from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { pageQuery } from '../../kernel/paging.ts';
import { type Call, type Operation, operation } from '../../operation.ts';
import type { ConfigsService } from './configs.service.ts';
import type { DraftWritten } from './drafts.service.ts';
import { announceLayer } from './layers.operations.ts';
import { ChangedLayer, ENVIRONMENTS, PreviewFields, Reason, Version } from './schemas.ts';
import { DRAFT_SCOPES, type DraftRef, type DraftScope } from './scopes.ts';

const DraftParams = Type.Object({ draft_id: Type.String({ format: 'uuid' }) });
const Scope = Type.Enum([...DRAFT_SCOPES]);
const Name = Type.String({ minLength: 1, maxLength: 128 });
const Text = Type.Union([Type.String(), Type.Null()]);

const summaryFields = {
  draft_id: Type.String(),
  scope: Scope,
  name: Text,
  version: Type.Integer(),
  base_version: Type.Integer(),
  head_version: Type.Integer(),
  moved: Type.Boolean(),
  job_id: Text,
  returned: Type.Union([
    Type.Object({ job_id: Type.String(), reason: Type.String() }),
    Type.Null(),
  ]),
  author: Type.String(),
  updated_by: Type.String(),
  reason: Text,
  created_at: Timestamp,
  updated_at: Timestamp,
  expires_at: Timestamp,
};
const Draft = Type.Object({ ...summaryFields, config: JsonObject });
const DraftConflict = Type.Object({
  path: Type.String(),
  draft: Type.Optional(Type.Unknown()),
  head: Type.Optional(Type.Unknown()),
});
const DraftDetail = Type.Object({
  ...Draft.properties,
  ...PreviewFields,
  conflicts: Type.Array(DraftConflict),
});

export function draftsOperations(options: {
  configs: ConfigsService;
  /** Tells whoever brings configurations to agents. */
  pushConfig: () => void;
}): Operation[] {
  const { configs, pushConfig } = options;
  const { drafts } = configs;
  const common = { kind: 'unary', scope: 'reach' } as const;
  return [
    operation({
      ...common,
      id: 'drafts.list',
      summary: 'Drafts of layers, changed last first',
      effect: 'read',
      permission: 'configs:read',
      rest: { method: 'GET', path: '/drafts', tag: 'configs' },
      query: Type.Object({
        ...pageQuery,
        scope: Type.Optional(Scope),
        name: Type.Optional(Name),
      }),
      output: Page(Type.Object(summaryFields)),
      run: ({ query }, call) => drafts.list(call.db, query, call.reach),
    }),
    operation({
      ...common,
      id: 'drafts.create',
      summary: 'Keep a draft of a layer, by default on the version in force; nobody is told of it',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'POST', path: '/drafts', status: 201, etag: true, tag: 'configs' },
      body: Type.Object(
        {
          scope: Scope,
          /** Of the group or environment, or the agent’s id. */
          name: Type.Optional(Name),
          document: JsonObject,
          base_version: Type.Optional(Version),
          reason: Reason,
        },
        { additionalProperties: false },
      ),
      output: Draft,
      run: async ({ body }, call) => {
        const written = await drafts.create(call.db, call.reach, refOf(body), {
          document: body.document as ConfigLayer,
          baseVersion: body.base_version,
          reason: body.reason,
          author: call.caller.name,
        });
        return record(written, call);
      },
    }),
    operation({
      ...common,
      id: 'drafts.get',
      summary:
        'A draft, what differs from the layer in force, and what publishing it would do now; of one whose layer went on, after a rebase in which the draft wins',
      effect: 'read',
      permission: 'configs:read',
      rest: { method: 'GET', path: '/drafts/{draft_id}', etag: true, tag: 'configs' },
      params: DraftParams,
      output: DraftDetail,
      run: ({ params }, call) => drafts.get(call.db, call.reach, params.draft_id),
    }),
    operation({
      ...common,
      id: 'drafts.update',
      summary: 'Replace what a draft says',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'PUT', path: '/drafts/{draft_id}', etag: true, tag: 'configs' },
      params: DraftParams,
      body: Type.Object({ document: JsonObject, reason: Reason }, { additionalProperties: false }),
      output: Draft,
      run: async ({ params, body, ifMatch }, call) => {
        const written = await drafts.update(call.db, call.reach, params.draft_id, {
          document: body.document as ConfigLayer,
          reason: body.reason,
          ifMatch,
          author: call.caller.name,
        });
        return record(written, call);
      },
    }),
    operation({
      ...common,
      id: 'drafts.rebase',
      summary:
        'Put a draft’s changes on the version in force; where both changed a key, `prefer` says which holds',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'POST', path: '/drafts/{draft_id}/rebase', etag: true, tag: 'configs' },
      params: DraftParams,
      body: Type.Object(
        { prefer: Type.Optional(Type.Enum(['draft', 'head'])) },
        { additionalProperties: false },
      ),
      output: Type.Object({ ...Draft.properties, resolved: Type.Array(DraftConflict) }),
      run: async ({ params, body, ifMatch }, call) => {
        const { resolved, ...written } = await drafts.rebase(call.db, call.reach, params.draft_id, {
          prefer: body.prefer,
          ifMatch,
          author: call.caller.name,
        });
        const paths = resolved.map(({ path }) => path);
        const details = paths.length === 0 ? {} : { preferred: body.prefer, resolved: paths };
        return { ...record(written, call, details), resolved };
      },
    }),
    operation({
      ...common,
      id: 'drafts.delete',
      summary: 'Discard a draft',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'DELETE', path: '/drafts/{draft_id}', status: 204, tag: 'configs' },
      params: DraftParams,
      run: async ({ params }, call) => {
        const { scope, scope_id, author, document } = await drafts.discard(
          call.db,
          call.reach,
          params.draft_id,
          call.caller.name,
        );
        call.audit({
          object: params.draft_id,
          details: { scope, name: scope_id, author },
          before: document,
        });
        return undefined as never;
      },
    }),
    operation({
      ...common,
      id: 'drafts.publish',
      summary: 'Put a draft in force as the next version of its layer; it is gone then',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'POST', path: '/drafts/{draft_id}/publish', tag: 'configs' },
      params: DraftParams,
      body: Type.Object(
        {
          /** The draft’s version that was looked at. */
          version: Type.Optional(Version),
          /** Instead of the draft’s own. */
          reason: Reason,
        },
        { additionalProperties: false },
      ),
      output: ChangedLayer,
      run: async ({ params, body }, call) => {
        const { change, draft } = await drafts.publish(call.db, call.reach, params.draft_id, {
          ...body,
          author: call.caller.name,
        });
        const details = { draft_id: params.draft_id, draft_author: draft.author };
        return announceLayer(change, call, pushConfig, details);
      },
    }),
  ];
}

function record(
  { draft, before, after, secretsSet }: DraftWritten,
  call: Call,
  details: Record<string, unknown> = {},
): DraftWritten['draft'] {
  const { draft_id, scope, name, version, base_version } = draft;
  const set = secretsSet.length === 0 ? {} : { newly_set: secretsSet };
  call.audit({
    object: draft_id,
    details: { ...details, scope, name, version, base_version, ...set },
    before,
    after,
  });
  return draft;
}

/** @throws {OpmasError} OPMAS_INVALID_REQUEST */
function refOf({ scope, name }: { scope: DraftScope; name?: string }): DraftRef {
  const invalid = (message: string) =>
    new OpmasError('OPMAS_INVALID_REQUEST', `name: ${message}`, {
      errors: [{ path: 'name', message }],
    });
  if (scope === 'fleet') {
    if (name === undefined) return { scope, scope_id: '' };
    throw invalid('the fleet has none; leave it out');
  }
  if (name === undefined) throw invalid(`says which ${scope}`);
  if (scope === 'environment' && !(ENVIRONMENTS as readonly string[]).includes(name)) {
    throw invalid(`an environment is one of ${ENVIRONMENTS.join(', ')}`);
  }
  if (scope === 'agent' && !check(AgentId, name)) {
    throw invalid('an agent’s id has letters, digits, _ and - alone');
  }
  return { scope, scope_id: name };
}
