/** The API of roles, and the question what a caller may do. */
import { AgentId, type Static, Type } from '@opmas/protocol';
import { type AgentFacts, PERMISSIONS, reaches, reachOf } from '../../kernel/grants.ts';
import { type Operation, operation } from '../../operation.ts';
import type { AccessService } from './access.service.ts';

const Name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' });
const List = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
});

/** `agents:read`, `agents:*`, `*:read`, `*`. */
const PERMISSION_TEXT = '^(\\*|(\\*|[a-z-]{1,32}):(\\*|[a-z-]{1,32}))$';

const Grant = Type.Object(
  {
    permission: Type.String({ pattern: PERMISSION_TEXT }),
    agents: Type.Optional(
      Type.Object(
        { ids: Type.Optional(List), types: Type.Optional(List), tags: Type.Optional(List) },
        { additionalProperties: false, minProperties: 1 },
      ),
    ),
  },
  { additionalProperties: false },
);
const Grants = Type.Array(Grant, { maxItems: 100 });
const Description = Type.String({ maxLength: 512 });

const RoleBody = Type.Object(
  { description: Type.Optional(Description), grants: Grants },
  { additionalProperties: false },
);
const NewRole = Type.Object(
  { name: Name, description: Type.Optional(Description), grants: Grants },
  { additionalProperties: false },
);
const RoleAnswer = Type.Object({
  name: Type.String(),
  description: Type.String(),
  built_in: Type.Boolean(),
  grants: Type.Array(Grant),
});
type RoleAnswer = Static<typeof RoleAnswer>;

const RoleParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) });

export function accessOperations(options: {
  access: AccessService;
  agentFacts: (agentId: string) => Promise<AgentFacts | undefined>;
  /** Takes the change over on this replica, before the answer; the others do within two seconds. */
  rolesChanged: () => Promise<void>;
}): Operation[] {
  const { access, agentFacts, rolesChanged } = options;
  return [
    operation({
      id: 'auth.can_i',
      summary: 'May I do this?',
      kind: 'unary',
      effect: 'read',
      permission: 'self',
      rest: { method: 'GET', path: '/auth/can-i', tag: 'auth' },
      query: Type.Object({
        permission: Type.String({ pattern: '^[a-z-]{1,32}:[a-z-]{1,32}$' }),
        agent_id: Type.Optional(AgentId),
      }),
      output: Type.Object({ allowed: Type.Boolean() }),
      run: async ({ query }, { caller }) => {
        const reach = reachOf(caller.grants, query.permission);
        if (reach === undefined) return { allowed: false };
        if (query.agent_id === undefined) return { allowed: reach === 'all' };
        const facts = await agentFacts(query.agent_id);
        return { allowed: reach === 'all' || (facts !== undefined && reaches(reach, facts)) };
      },
    }),
    operation({
      id: 'permissions.list',
      summary: 'Every permission and what it allows',
      kind: 'unary',
      effect: 'read',
      permission: 'roles:read',
      rest: { method: 'GET', path: '/permissions', tag: 'access' },
      output: Type.Object({
        items: Type.Array(Type.Object({ permission: Type.String(), meaning: Type.String() })),
      }),
      run: async () => ({
        items: Object.entries(PERMISSIONS).map(([permission, meaning]) => ({
          permission,
          meaning,
        })),
      }),
    }),
    operation({
      id: 'roles.list',
      summary: 'Built-in and custom roles',
      kind: 'unary',
      effect: 'read',
      permission: 'roles:read',
      rest: { method: 'GET', path: '/roles', tag: 'access' },
      output: Type.Object({ items: Type.Array(RoleAnswer), next_cursor: Type.Null() }),
      run: async (_, call) => ({
        items: (await access.list(call.db)).map(answer),
        next_cursor: null,
      }),
    }),
    operation({
      id: 'roles.get',
      summary: 'One role',
      kind: 'unary',
      effect: 'read',
      permission: 'roles:read',
      rest: { method: 'GET', path: '/roles/{name}', tag: 'access' },
      params: RoleParams,
      output: RoleAnswer,
      run: async ({ params }, call) => answer(await access.find(call.db, params.name)),
    }),
    operation({
      id: 'roles.create',
      summary: 'Make a role; it can grant no more than you hold',
      kind: 'unary',
      effect: 'write',
      permission: 'roles:write',
      rest: { method: 'POST', path: '/roles', status: 201, tag: 'access' },
      body: NewRole,
      output: RoleAnswer,
      run: async ({ body }, call) => {
        const role = await access.create(
          call.db,
          { name: body.name, description: body.description ?? '', grants: body.grants },
          call.caller,
        );
        call.audit({ object: role.name, after: role });
        call.afterCommit(rolesChanged);
        return answer(role);
      },
    }),
    operation({
      id: 'roles.update',
      summary: 'Change what a custom role grants; it holds for its members at once',
      kind: 'unary',
      effect: 'write',
      permission: 'roles:write',
      rest: { method: 'PUT', path: '/roles/{name}', tag: 'access' },
      params: RoleParams,
      body: RoleBody,
      output: RoleAnswer,
      run: async ({ params, body }, call) => {
        const { before, after } = await access.update(
          call.db,
          { name: params.name, description: body.description ?? '', grants: body.grants },
          call.caller,
        );
        call.audit({ object: params.name, before, after });
        call.afterCommit(rolesChanged);
        return answer({ ...after, built_in: false });
      },
    }),
    operation({
      id: 'roles.delete',
      summary: 'Delete a custom role nobody holds',
      kind: 'unary',
      effect: 'write',
      permission: 'roles:write',
      rest: { method: 'DELETE', path: '/roles/{name}', status: 204, tag: 'access' },
      params: RoleParams,
      run: async ({ params }, call) => {
        const before = await access.remove(call.db, params.name, call.caller);
        call.audit({ object: params.name, before });
        call.afterCommit(rolesChanged);
        return undefined as never;
      },
    }),
  ];
}

function answer(role: {
  name: string;
  description: string;
  built_in: boolean;
  grants: readonly { permission: string; agents?: object }[];
}): RoleAnswer {
  return { ...role, grants: [...role.grants] as RoleAnswer['grants'] };
}
