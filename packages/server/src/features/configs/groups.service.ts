/** Groups of agents by label: who is in them, and their place among the layers. */
import type { Fault } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import type { ConfigsService } from './configs.service.ts';
import * as heads from './configs.store.ts';
import { type NewConfig, type ReceiverRow, receivers } from './fleet.store.ts';
import * as store from './groups.store.ts';
import { configHash } from './layers.ts';
import { configLimits } from './limits.ts';
import { groupScope, type ScopeRef } from './scopes.ts';
import { matchesSelector, parseSelector } from './selector.ts';

export interface GroupWrite {
  description?: string | undefined;
  selector: string;
  priority?: number | undefined;
  author: string;
}

export interface GroupView extends store.GroupRow {
  /** Agents in it now. */
  agents: number;
}

export interface GroupChange {
  before: store.GroupRow | undefined;
  group: GroupView | undefined;
  changed: readonly NewConfig[];
}

export interface AgentName {
  agent_id: string;
  name: string;
}

/** What another selector would do; of agents the first by id. */
export interface GroupPreview {
  valid: boolean;
  /** Of the group; 0: there is none yet. */
  version: number;
  joins: AgentName[];
  leaves: AgentName[];
  /** Those that would have no valid configuration, or to which the layer says what is wrong for them. */
  invalid: (AgentName & { errors: Fault[] })[];
  counts: { agents: number; joins: number; leaves: number; changed: number; invalid: number };
}

export type GroupsService = ReturnType<typeof createGroupsService>;

export function createGroupsService({ configs, clock }: { configs: ConfigsService; clock: Clock }) {
  async function existing(db: Executor, name: string): Promise<store.GroupRow> {
    const group = await store.groupByName(db, name);
    if (group === undefined) throw new OpmasError('OPMAS_NOT_FOUND', `No group ${name}`);
    return group;
  }

  async function views(db: Executor, rows: readonly store.GroupRow[]): Promise<GroupView[]> {
    const agents = rows.length === 0 ? [] : await receivers(db, 'all');
    return rows.map((row) => {
      const selector = parseSelector(row.selector);
      return { ...row, agents: agents.filter((each) => matchesSelector(selector, each)).length };
    });
  }

  async function view(db: Executor, name: string): Promise<GroupView> {
    const [group] = await views(db, [await existing(db, name)]);
    if (group === undefined) throw new Error(`no view of ${name}`);
    return group;
  }

  return {
    /** By priority and name: in the order of their layers. */
    list: async (db: Executor): Promise<GroupView[]> =>
      views(db, await store.groups(db, configLimits.groups)),

    find: view,

    /** @throws {OpmasError} OPMAS_CONFLICT, OPMAS_INVALID_REQUEST, OPMAS_INVALID_CONFIGURATION */
    async create(db: Executor, name: string, input: GroupWrite): Promise<GroupChange> {
      parseSelector(input.selector);
      const at = new Date(clock.now());
      const changed = await configs.regroup(db, groupScope(name), async () => {
        const all = await store.groups(db, configLimits.groups);
        if (all.some((group) => group.name === name)) {
          throw new OpmasError('OPMAS_CONFLICT', `There is a group ${name} already`);
        }
        if (all.length >= configLimits.groups) {
          throw new OpmasError('OPMAS_CONFLICT', `There can be ${configLimits.groups} groups`);
        }
        await store.insertGroup(db, {
          name,
          description: input.description ?? '',
          selector: input.selector,
          priority: input.priority ?? 0,
          version: 1,
          created_at: at,
          updated_at: at,
        });
        await startEmpty(db, groupScope(name), input.author, at);
      });
      return { before: undefined, group: await view(db, name), changed };
    },

    /** @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_VERSION_CONFLICT, OPMAS_INVALID_CONFIGURATION */
    async update(
      db: Executor,
      name: string,
      input: GroupWrite & { ifMatch?: number | undefined },
    ): Promise<GroupChange> {
      parseSelector(input.selector);
      let before: store.GroupRow | undefined;
      const changed = await configs.regroup(db, groupScope(name), async () => {
        before = await existing(db, name);
        if (input.ifMatch !== undefined && input.ifMatch !== before.version) {
          throw new OpmasError(
            'OPMAS_VERSION_CONFLICT',
            `The group ${name} is at version ${before.version}, not ${input.ifMatch}; read it again`,
          );
        }
        await store.updateGroup(db, {
          ...before,
          description: input.description ?? before.description,
          selector: input.selector,
          priority: input.priority ?? before.priority,
          version: before.version + 1,
          updated_at: new Date(clock.now()),
        });
      });
      return { before, group: await view(db, name), changed };
    },

    /**
     * Who would join and leave, and who could not live with it; nothing is stored. Without a name: of a group
     * that is new, whose layer is empty.
     * @throws {OpmasError} OPMAS_INVALID_REQUEST for a selector that cannot be read, OPMAS_NOT_FOUND
     */
    async preview(
      db: Executor,
      input: { selector: string; name?: string | undefined; priority?: number | undefined },
    ): Promise<GroupPreview> {
      const wanted = parseSelector(input.selector);
      const group = input.name === undefined ? undefined : await existing(db, input.name);
      const present = group === undefined ? undefined : parseSelector(group.selector);
      const agents = await receivers(db, 'all');
      const isIn = (agent: ReceiverRow) => matchesSelector(wanted, agent);
      const wasIn = (agent: ReceiverRow) =>
        present !== undefined && matchesSelector(present, agent);
      const joins = agents.filter((agent) => isIn(agent) && !wasIn(agent));
      const leaves = agents.filter((agent) => wasIn(agent) && !isIn(agent));
      const { changed, invalid } =
        group === undefined
          ? { changed: [], invalid: [] }
          : await configs.previewRegroup(db, {
              name: group.name,
              selector: input.selector,
              priority: input.priority ?? group.priority,
            });
      return {
        valid: invalid.length === 0,
        version: group?.version ?? 0,
        joins: namesOf(joins),
        leaves: namesOf(leaves),
        invalid: invalid.slice(0, configLimits.refusedAgents).map(({ agent, errors }) => ({
          agent_id: agent.id,
          name: agent.name,
          errors: errors.slice(0, configLimits.refusedFaults),
        })),
        counts: {
          agents: agents.filter(isIn).length,
          joins: joins.length,
          leaves: leaves.length,
          changed: changed.length,
          invalid: invalid.length,
        },
      };
    },

    /** Its layer reaches nobody any more. @throws {OpmasError} OPMAS_NOT_FOUND */
    async remove(db: Executor, name: string): Promise<GroupChange> {
      let before: store.GroupRow | undefined;
      const changed = await configs.regroup(db, groupScope(name), async () => {
        before = await existing(db, name);
        await configs.refuseHeld(db, groupScope(name));
        await store.deleteGroup(db, name);
        await heads.dropHead(db, groupScope(name));
        await configs.drafts.dropOf(db, groupScope(name));
      });
      return { before, group: undefined, changed };
    },
  };
}

function namesOf(agents: readonly ReceiverRow[]): AgentName[] {
  return agents
    .slice(0, configLimits.affectedAgents)
    .map(({ id, name }) => ({ agent_id: id, name }));
}

/** Versions go on after those of a former group of the same name, whose layer must not come back. */
async function startEmpty(db: Executor, ref: ScopeRef, author: string, at: Date): Promise<void> {
  const version = await heads.lockHead(db, ref);
  if (version === 0) return;
  await heads.addVersion(db, ref, {
    version: version + 1,
    document: {},
    hash: configHash({}),
    reason: 'The group was made anew',
    author,
    created_at: at,
    expires_at: null,
  });
}
