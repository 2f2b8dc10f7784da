/**
 * A new version of a layer that agents get one after another: the layer is held, everybody is kept at the
 * version before, and is let go in parts; or all of it is taken back.
 */
import type { ConfigLayer, Fault } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import type { ConfigChange, ConfigWrite } from './config.ts';
import * as store from './configs.store.ts';
import type { StorableDocument } from './documents.ts';
import * as holds from './holds.store.ts';
import { judgeAll } from './judge.ts';
import type { Publisher } from './publisher.ts';
import { describeScope, type ScopeRef } from './scopes.ts';
import type { LoadStacks } from './stacks.ts';

/** The new content: a document, or that of an old version. */
export type StagedContent = { document: ConfigLayer } | { version: number };

/** Looked at when the layer is held: what goes in force there, in its stored form. */
export interface HeldContent {
  /** @param version in force @throws {OpmasError} whatever is wrong with it */
  take(version: number): Promise<StorableDocument>;
}

export interface Staged {
  change: ConfigChange;
  /** The version everybody sees until they are let go; 0 is the empty layer. */
  from: number;
}

export interface LetGo {
  /** Agents that are told something else from now on. */
  changed: number;
  /** Agents that cannot take the new version any more, and stay where they were. */
  invalid: { agent_id: string; errors: readonly Fault[] }[];
}

export function createStaging({ publisher, load }: { publisher: Publisher; load: LoadStacks }) {
  const { accept, refuseBadRules, lock, publish, holdAgents, tell } = publisher;

  async function contentOf(
    db: Executor,
    ref: ScopeRef,
    content: StagedContent | HeldContent,
    current: { version: number; document: ConfigLayer },
  ): Promise<StorableDocument> {
    if ('take' in content) return content.take(current.version);
    if ('document' in content) return accept(ref, content.document, current.document);
    if (content.version === 0) return { stored: {}, fresh: [] };
    const old = await store.versionOf(db, ref, content.version);
    if (old !== undefined) return { stored: old.document, fresh: [] };
    throw new OpmasError(
      'OPMAS_NOT_FOUND',
      `There is no version ${content.version} of ${describeScope(ref)}`,
    );
  }

  /** Takes pins away, but of agents that could not live without. The caller holds all agents. */
  async function unpin(
    db: Executor,
    ref: ScopeRef,
    agentIds: readonly string[],
    keep: holds.Hold | undefined,
  ): Promise<LetGo> {
    const before = await load(db, agentIds);
    await store.removePins(db, ref, agentIds);
    let judged = judgeAll(await load(db, agentIds), before);
    const invalid = judged.invalid.map(({ agent, errors }) => ({ agent_id: agent.id, errors }));
    if (invalid.length > 0 && keep !== undefined) {
      await holds.pinAgain(
        db,
        ref,
        keep,
        invalid.map(({ agent_id }) => agent_id),
      );
      judged = judgeAll(await load(db, agentIds), before);
    }
    await tell(db, judged.changed);
    return { changed: judged.changed.length, invalid };
  }

  return {
    /**
     * Puts a new version in force that nobody sees yet.
     * @throws {OpmasError} as a write of the layer, and OPMAS_CONFLICT while another holds it
     */
    async stage(
      db: Executor,
      ref: ScopeRef,
      input: ConfigWrite & { holder: string; content: StagedContent | HeldContent },
    ): Promise<Staged> {
      const { holder, content } = input;
      // Before anything is held: it may take a while.
      if ('document' in content) await refuseBadRules(content.document);
      const from = await lock(db, ref, input.ifMatch);
      const document = (await store.headOf(db, ref))?.document ?? {};
      const wanted = await contentOf(db, ref, content, { version: from, document });
      await holds.addHold(db, ref, { holder, version: from });
      await holds.pinEverybody(db, ref, { holder, version: from });
      return { change: await publish(db, ref, from, wanted, input), from };
    },

    /** These agents see the new version from now on. */
    async letGo(db: Executor, ref: ScopeRef, agentIds: readonly string[]): Promise<LetGo> {
      await holdAgents(db);
      return unpin(db, ref, agentIds, await holds.holdOf(db, ref));
    },

    /** Everybody sees the new version, also agents that are new and those that join the scope later. */
    async letAllGo(db: Executor, ref: ScopeRef): Promise<LetGo> {
      await holdAgents(db);
      const hold = await holds.holdOf(db, ref);
      await holds.endPinningNew(db, ref);
      return unpin(db, ref, await holds.pinnedAgents(db, ref), hold);
    },

    /**
     * Makes the version from before the newest: whoever had the new one is told the old one again. The layer
     * stays held.
     * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION when an agent could not live with it any more
     */
    async takeBack(
      db: Executor,
      ref: ScopeRef,
      input: ConfigWrite & { holder: string; from: number },
    ): Promise<ConfigChange> {
      const version = await lock(db, ref, undefined, input.holder);
      const document = (await store.headOf(db, ref))?.document ?? {};
      const wanted = await contentOf(db, ref, { version: input.from }, { version, document });
      const change = await publish(db, ref, version, wanted, { ...input, isReturn: true });
      await unpin(db, ref, await holds.pinnedAgents(db, ref), undefined);
      await holds.endPinningNew(db, ref);
      return change;
    },

    /** Anybody may write the layer; agents that are still kept back stay so until somebody does. */
    free: (db: Executor, ref: ScopeRef): Promise<void> => holds.dropHold(db, ref),
  };
}
