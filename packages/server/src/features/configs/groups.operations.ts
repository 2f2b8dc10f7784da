/** The API of groups. */
import { type Static, Timestamp, Type } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { ConfigsService } from './configs.service.ts';
import type { GroupsService, GroupView } from './groups.service.ts';
import { layerOperations } from './layers.operations.ts';
import { configLimits } from './limits.ts';
import { groupScope } from './scopes.ts';
import { selectorLimits } from './selector.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' });
const GroupParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) });
const Fields = {
  description: Type.Optional(Type.String({ maxLength: 512 })),
  selector: Type.String({ minLength: 1, maxLength: selectorLimits.characters }),
  priority: Type.Optional(Type.Integer({ minimum: -1_000_000, maximum: 1_000_000 })),
};

const Group = Type.Object({
  name: Type.String(),
  description: Type.String(),
  selector: Type.String(),
  priority: Type.Integer(),
  version: Type.Integer(),
  agents: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
const ChangedGroup = Type.Object({ ...Group.properties, changed: Type.Integer() });

const AgentName = { agent_id: Type.String(), name: Type.String() };
const Preview = Type.Object({
  valid: Type.Boolean(),
  version: Type.Integer(),
  joins: Type.Array(Type.Object(AgentName), { maxItems: configLimits.affectedAgents }),
  leaves: Type.Array(Type.Object(AgentName), { maxItems: configLimits.affectedAgents }),
  invalid: Type.Array(
    Type.Object({
      ...AgentName,
      errors: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })),
    }),
    { maxItems: configLimits.refusedAgents },
  ),
  counts: Type.Object({
    agents: Type.Integer(),
    joins: Type.Integer(),
    leaves: Type.Integer(),
    changed: Type.Integer(),
    invalid: Type.Integer(),
  }),
});

export function groupsOperations(options: {
  configs: ConfigsService;
  groups: GroupsService;
  pushConfig: () => void;
}): Operation[] {
  const { groups, pushConfig } = options;
  return [
    operation({
      id: 'groups.list',
      summary: 'Groups of agents, in the order of their layers',
      kind: 'unary',
      effect: 'read',
      permission: 'groups:read',
      rest: { method: 'GET', path: '/groups', tag: 'groups' },
      output: Type.Object({ items: Type.Array(Group), next_cursor: Type.Null() }),
      run: async (_, call) => ({
        items: (await groups.list(call.db)).map(answer),
        next_cursor: null,
      }),
    }),
    operation({
      id: 'groups.get',
      summary: 'One group',
      kind: 'unary',
      effect: 'read',
      permission: 'groups:read',
      rest: { method: 'GET', path: '/groups/{name}', etag: true, tag: 'groups' },
      params: GroupParams,
      output: Group,
      run: async ({ params }, call) => answer(await groups.find(call.db, params.name)),
    }),
    operation({
      id: 'groups.create',
      summary: 'Make a group of the agents that a label selector chooses',
      kind: 'unary',
      effect: 'write',
      permission: 'groups:write',
      rest: { method: 'POST', path: '/groups', status: 201, etag: true, tag: 'groups' },
      body: Type.Object({ name: Name, ...Fields }, { additionalProperties: false }),
      output: ChangedGroup,
      run: async ({ body }, call) => {
        const { name, ...input } = body;
        const { group, changed } = await groups.create(call.db, name, {
          ...input,
          author: call.caller.name,
        });
        call.audit({ object: name, details: { changed: changed.length }, after: input });
        call.afterCommit(pushConfig);
        return { ...answer(group as GroupView), changed: changed.length };
      },
    }),
    operation({
      id: 'groups.validate',
      summary:
        'Who would join and leave a group under another selector, and who could not live with it; nothing is stored',
      kind: 'unary',
      effect: 'read',
      permission: 'groups:write',
      rest: { method: 'POST', path: '/groups/validate', tag: 'groups' },
      body: Type.Object(
        {
          selector: Fields.selector,
          name: Type.Optional(GroupParams.properties.name),
          priority: Fields.priority,
        },
        { additionalProperties: false },
      ),
      output: Preview,
      run: ({ body }, call) => groups.preview(call.db, body),
    }),
    operation({
      id: 'groups.update',
      summary: 'Change who is in a group, or its place among the layers',
      kind: 'unary',
      effect: 'write',
      permission: 'groups:write',
      rest: { method: 'PUT', path: '/groups/{name}', etag: true, tag: 'groups' },
      params: GroupParams,
      body: Type.Object(Fields, { additionalProperties: false }),
      output: ChangedGroup,
      run: async ({ params, body, ifMatch }, call) => {
        const { before, group, changed } = await groups.update(call.db, params.name, {
          ...body,
          author: call.caller.name,
          ifMatch,
        });
        call.audit({
          object: params.name,
          details: { changed: changed.length },
          before,
          after: body,
        });
        call.afterCommit(pushConfig);
        return { ...answer(group as GroupView), changed: changed.length };
      },
    }),
    operation({
      id: 'groups.delete',
      summary: 'Delete a group; its layer reaches nobody any more',
      kind: 'unary',
      effect: 'write',
      permission: 'groups:write',
      rest: { method: 'DELETE', path: '/groups/{name}', status: 204, tag: 'groups' },
      params: GroupParams,
      run: async ({ params }, call) => {
        const { before, changed } = await groups.remove(call.db, params.name);
        call.audit({ object: params.name, details: { changed: changed.length }, before });
        call.afterCommit(pushConfig);
        return undefined as never;
      },
    }),
    ...layerOperations({
      ...options,
      id: 'configs.group',
      path: '/groups/{name}/config',
      params: GroupParams,
      whose: 'a group',
      refOf: ({ name }) => groupScope(name),
    }),
  ];
}

function answer(group: GroupView): Static<typeof Group> {
  return {
    ...group,
    created_at: group.created_at.toISOString(),
    updated_at: group.updated_at.toISOString(),
  };
}
