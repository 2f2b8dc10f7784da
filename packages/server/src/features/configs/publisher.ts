/** Puts layers in force: one writer at a time, and what agents are told follows in the same transaction. */
import { type ConfigLayer, canonicalConfig, type Fault } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Executor, Vault } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import { addToOutbox } from '../outbox/index.ts';
import { type ConfigChange, type ConfigWrite, layerAnswer } from './config.ts';
import { keepSecrets, revealDocument } from './config-secrets.ts';
import * as store from './configs.store.ts';
import { acceptDocument, type StorableDocument } from './documents.ts';
import { type NewConfig, updateReceivers } from './fleet.store.ts';
import { groupByName } from './groups.store.ts';
import { dropHeldPins, holdOf } from './holds.store.ts';
import { judgeAll, judgeChange, refuseInvalid } from './judge.ts';
import { configHash } from './layers.ts';
import { describeScope, FLEET, isOfOneAgent, type ScopeRef } from './scopes.ts';
import { maskStored } from './secret-values.ts';
import { effectiveOf, type LoadStacks, type Overlay } from './stacks.ts';

/** Do rules compile, and do their examples come out? Faults by path, as `rules[2].pattern`. */
export interface ConfigRulesCheck {
  faultsOf(rules: unknown): Promise<readonly Fault[]>;
}

export type Publisher = ReturnType<typeof createPublisher>;

export function createPublisher(options: {
  agents: AgentsService;
  vault: Vault;
  clock: Clock;
  ids: Ids;
  rulesCheck: ConfigRulesCheck;
  load: LoadStacks;
}) {
  const { agents, vault, clock, ids, load } = options;

  const accept = (ref: ScopeRef, given: ConfigLayer, current: ConfigLayer): StorableDocument =>
    acceptDocument(ref, given, current, () => ids.uuid());

  /**
   * Refuses rules that agents could not run, or whose examples do not come out.
   * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION
   */
  async function refuseBadRules(given: ConfigLayer): Promise<void> {
    const { rules } = canonicalConfig(given);
    if (rules === undefined) return;
    const errors = await options.rulesCheck.faultsOf(rules);
    if (errors.length === 0) return;
    throw new OpmasError(
      'OPMAS_INVALID_CONFIGURATION',
      `The configuration would not be valid: ${errors[0]?.path}: ${errors[0]?.message}`,
      { errors },
    );
  }

  async function requireScope(db: Executor, ref: ScopeRef): Promise<void> {
    if (isOfOneAgent(ref)) await agents.get(db, ref.scope_id);
    else if (ref.scope === 'group' && (await groupByName(db, ref.scope_id)) === undefined) {
      throw new OpmasError('OPMAS_NOT_FOUND', `No group ${ref.scope_id}`);
    }
  }

  /**
   * Orders concurrent writers: versions of a scope grow one by one, none is lost, and what an agent is
   * told is worked out by one writer at a time. A layer under rollout is its holder's alone; where none
   * is, agents that one has left behind follow the layer again.
   * @returns the version in force
   */
  async function lock(
    db: Executor,
    ref: ScopeRef,
    ifMatch: number | undefined,
    holder?: string,
  ): Promise<number> {
    let version: number;
    if (isOfOneAgent(ref)) {
      await agents.lock(db, ref.scope_id);
      version = await store.lockHead(db, ref);
    } else {
      await store.lockHead(db, FLEET);
      await requireScope(db, ref);
      version = await store.lockHead(db, ref);
      await refuseHeld(db, ref, holder);
      await store.lockAgents(db);
      if (holder === undefined) await dropHeldPins(db, ref);
    }
    if (ifMatch === undefined || ifMatch === version) return version;
    throw new OpmasError(
      'OPMAS_VERSION_CONFLICT',
      ifMatch === 0
        ? `There is ${describeScope(ref)} already, at version ${version}`
        : `Version ${version} is in force of ${describeScope(ref)}, not ${ifMatch}; read it again`,
    );
  }

  /** @throws {OpmasError} OPMAS_CONFLICT while a job rolls the layer out */
  async function refuseHeld(db: Executor, ref: ScopeRef, holder?: string): Promise<void> {
    const hold = await holdOf(db, ref);
    if (hold === undefined || hold.holder === holder) return;
    throw new OpmasError(
      'OPMAS_CONFLICT',
      `Job ${hold.holder} rolls out ${describeScope(ref)}: wait for its end, or cancel it (opmas jobs cancel ${hold.holder})`,
      { jobId: hold.holder },
    );
  }

  async function overlayOf(
    db: Executor,
    ref: ScopeRef,
    content: StorableDocument,
  ): Promise<Overlay> {
    const { plain, secrets } = await revealDocument(db, vault, ref, content.stored, content.fresh);
    return { ref, plain, secrets, hash: configHash(content.stored) };
  }

  /** The layer in force, to compare with; an empty one when it cannot be read any more. */
  async function inForce(db: Executor, ref: ScopeRef, stored: ConfigLayer): Promise<Overlay> {
    try {
      return await overlayOf(db, ref, { stored, fresh: [] });
    } catch (error) {
      if (!(error instanceof OpmasError) || error.code !== 'OPMAS_SECRET_UNREADABLE') throw error;
      return { ref, plain: {}, secrets: [], hash: configHash({}) };
    }
  }

  /** Stores what agents are told now, and says so. */
  async function tell(db: Executor, changed: readonly NewConfig[]): Promise<void> {
    const [only, ...others] = changed;
    if (only === undefined) return;
    if (others.length > 0) {
      await updateReceivers(db, changed, new Date(clock.now()));
      return;
    }
    await agents.change(db, only.id, {
      // An agent that gave up on its configuration is started again with the new one.
      bump: only.status === 'failed',
      set: {
        config_version: only.config_version,
        config_hash: only.hash,
        subscribed_topics: [...only.subscribed_topics],
        findings_topic: only.findings_topic,
      },
    });
    await addToOutbox(db, 'config.changed', {
      agent_id: only.id,
      version: only.config_version,
      hash: only.hash,
    });
  }

  /**
   * Puts `content` in force as the next version of a locked scope.
   * @param isReturn to what was in force before: only what agents could not live with stops it
   */
  async function publish(
    db: Executor,
    ref: ScopeRef,
    version: number,
    content: StorableDocument,
    input: ConfigWrite & { isReturn?: boolean },
  ): Promise<ConfigChange> {
    const before = (await store.headOf(db, ref))?.document ?? {};
    const overlay = await overlayOf(db, ref, content);
    const stacks = await load(db, isOfOneAgent(ref) ? [ref.scope_id] : 'all');
    const former = input.isReturn === true ? undefined : await inForce(db, ref, before);
    const judgement = judgeChange(stacks, overlay, former);
    if (isOfOneAgent(ref)) {
      // Also what was invalid before: who writes to one agent learns what is wrong with it.
      for (const agent of judgement.reached) effectiveOf(stacks.told(agent, { overlay }));
    }
    refuseInvalid(ref, judgement);
    const at = new Date(clock.now());
    await keepSecrets(db, vault, ref, content.fresh, at);
    const entry: store.LayerVersion = {
      version: version + 1,
      document: content.stored,
      hash: overlay.hash,
      reason: input.reason ?? null,
      author: input.author,
      created_at: at,
      expires_at:
        input.expiresIn === undefined ? null : new Date(at.getTime() + input.expiresIn * 1_000),
    };
    await store.addVersion(db, ref, entry);
    const changed =
      ref.scope === 'agent'
        ? judgement.changed.map((each) => ({ ...each, config_version: entry.version }))
        : judgement.changed;
    await tell(db, changed);
    if (ref.scope === 'agent' && changed.length === 0) {
      await agents.change(db, ref.scope_id, { set: { config_version: entry.version } });
    }
    return {
      layer: layerAnswer(ref, entry),
      reached: judgement.reached.length,
      changed,
      before: maskStored(before),
      after: maskStored(content.stored),
      secretsSet: content.fresh.map(({ path }) => path),
    };
  }

  async function replace(
    db: Executor,
    ref: ScopeRef,
    input: ConfigWrite & { document: ConfigLayer },
  ): Promise<ConfigChange> {
    // Before anything is held: it may take a while.
    await refuseBadRules(input.document);
    const version = await lock(db, ref, input.ifMatch);
    const current = (await store.headOf(db, ref))?.document ?? {};
    return publish(db, ref, version, accept(ref, input.document, current), input);
  }

  /** Works out anew what agents are told; the caller holds them. */
  async function retell(
    db: Executor,
    agentIds: readonly string[] | 'all',
  ): Promise<readonly NewConfig[]> {
    const judgement = judgeAll(await load(db, agentIds));
    refuseInvalid(undefined, judgement);
    await tell(db, judgement.changed);
    return judgement.changed;
  }

  async function holdAgents(db: Executor): Promise<void> {
    await store.lockHead(db, FLEET);
    await store.lockAgents(db);
  }

  return {
    accept,
    refuseBadRules,
    requireScope,
    refuseHeld,
    lock,
    overlayOf,
    inForce,
    publish,
    replace,
    tell,
    retell,
    holdAgents,
  };
}
