/** Slots in use: keys registered and unregistered, instances that follow each other, second ones shut out. */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import type { Revocations } from './revocations.ts';
import { judge, type SlotRow, takenOver, type Verdict } from './slot.ts';
import * as store from './slots.store.ts';

/** A second instance that goes on speaking is shut out again after this long, not at each word. */
const FENCE_AGAIN_MS = 5_000;
/** One that only asks, and may hold nothing that is still good, throws the right one off this often. */
const FENCE_ASKING_MS = 60_000;
/** The condition of an agent goes after this long without a second instance. */
const CALM_MS = 600_000;
/** An instance nobody knows is looked up this often, whatever it says. */
const LOOK_AGAIN_MS = 1_000;

/** Who locks an agent and its slots locks the agent first: those who remove it do. */
export function createSlotsService(options: {
  database: Database;
  agents: AgentsService;
  audit: AuditLog;
  revocations: Revocations;
  clock: Clock;
  /** Somebody is to be thrown off the broker, or was told of. */
  onChange(): void;
}) {
  const { database, agents, audit, revocations, clock, onChange } = options;
  /** Who speaks for each agent, as far as this process has looked. */
  const holders = new Map<string, string>();
  /** When an unknown instance of each agent was last looked up, monotonic. */
  const looked = new Map<string, number>();

  const at = () => new Date(clock.now());

  function remember<T>(map: Map<string, T>, agentId: string, value: T): void {
    map.delete(agentId);
    if (map.size >= limits.slotsRemembered) {
      const oldest = map.keys().next();
      if (!oldest.done) map.delete(oldest.value);
    }
    map.set(agentId, value);
  }

  /** The verdict, written down: under the slot's lock. */
  async function decide(db: Executor, slot: SlotRow, instanceId: string): Promise<Verdict> {
    const verdict = judge(slot, instanceId, await store.hostWord(db, slot.agent_id));
    if (verdict === 'takes_over') {
      await store.updateSlot(db, slot, takenOver(slot, instanceId));
    } else if (verdict === 'unknown' && slot.rival !== instanceId) {
      await store.updateSlot(db, slot, { rival: instanceId, rival_at: at() });
    }
    return verdict;
  }

  /**
   * Throws every connection of the slot's key off; the one that is right renews and goes on, the other is
   * refused. The condition tells people.
   */
  async function fence(
    db: Executor,
    slot: SlotRow,
    instanceId: string,
    quietMs: number,
  ): Promise<boolean> {
    const last = slot.fenced_at?.getTime() ?? Number.NEGATIVE_INFINITY;
    if (clock.now() - last < quietMs) return false;
    await store.updateSlot(db, slot, { fenced_at: at() });
    if (slot.public_key !== null) {
      await revocations.revoke(db, {
        publicKey: slot.public_key,
        agentId: slot.agent_id,
        issuedAt: slot.issued_at,
        burn: false,
        reason: 'a second instance used the same identity',
      });
    }
    const message = `Instance ${instanceId} uses the identity of instance ${slot.instance_id ?? 'none'}: it was shut out`;
    await agents.change(db, slot.agent_id, {
      conditions: [
        { type: 'duplicate_identity', present: true, reason: 'second_instance', message },
      ],
    });
    await audit.record(db, {
      caller: SYSTEM,
      action: 'agents.duplicate_identity',
      object: slot.agent_id,
      outcome: 'refused',
      details: {
        slot: slot.slot,
        epoch: slot.epoch,
        holder: slot.instance_id,
        refused: instanceId,
      },
    });
    return true;
  }

  return {
    /**
     * The key of a slot, after an enrollment: its instance speaks for the slot from now on. A key that it had
     * before is revoked.
     * @throws {OpmasError} OPMAS_KEY_REVOKED, OPMAS_CONFLICT when another agent has the key
     */
    async register(
      db: Executor,
      where: { agentId: string; slot: number },
      given: { publicKey: string | undefined; instanceId: string | undefined },
    ): Promise<void> {
      const slot = await store.lockSlot(db, where.agentId, where.slot);
      const { publicKey } = given;
      if (publicKey !== undefined) {
        if ((await revocations.ofKey(db, publicKey)).burned) {
          throw new OpmasError(
            'OPMAS_KEY_REVOKED',
            'This key was revoked for good; make a new one and register with it',
          );
        }
        if (await store.isKeyElsewhere(db, publicKey, slot)) {
          throw new OpmasError(
            'OPMAS_CONFLICT',
            'This key is another agent’s; each makes a key of its own',
          );
        }
      }
      if (slot.public_key !== null && slot.public_key !== publicKey) {
        await revocations.revoke(db, {
          publicKey: slot.public_key,
          agentId: null,
          issuedAt: slot.issued_at,
          burn: true,
          reason: 'replaced by a new enrollment',
        });
      }
      const instanceId = given.instanceId ?? slot.launched;
      await store.updateSlot(db, slot, {
        ...takenOver(slot, instanceId),
        public_key: publicKey ?? null,
      });
      if (instanceId !== null) remember(holders, where.agentId, instanceId);
    },

    /** The slot's key, locked; undefined when it is not registered. */
    async keyOf(db: Executor, agentId: string, slot: number): Promise<string | undefined> {
      return (await store.lockSlot(db, agentId, slot)).public_key ?? undefined;
    },

    /**
     * An instance that has proven the slot's key asks for credentials. The transaction is to be committed
     * whatever the answer: `duplicate` was shut out, `unknown` is to come again when its host was heard.
     */
    async asks(
      db: Executor,
      where: { agentId: string; slot: number },
      instanceId: string,
    ): Promise<'granted' | 'duplicate' | 'unknown'> {
      const slot = await store.lockSlot(db, where.agentId, where.slot);
      const verdict = await decide(db, slot, instanceId);
      if (verdict === 'duplicate') {
        if (await fence(db, slot, instanceId, FENCE_ASKING_MS)) onChange();
        return verdict;
      }
      if (verdict === 'unknown') return verdict;
      remember(holders, where.agentId, instanceId);
      return 'granted';
    },

    /** After credentials were made: what a later revocation has to cover, and where findings may come from. */
    async issued(
      db: Executor,
      where: { agentId: string; slot: number },
      made: { publicKey: string | undefined; issuedAt: number; findingsTopic: string },
    ): Promise<void> {
      await store.updateSlot(
        db,
        { agent_id: where.agentId, slot: where.slot },
        { issued_at: made.issuedAt, public_key: made.publicKey ?? null },
      );
      await store.grantTopic(db, {
        agent_id: where.agentId,
        topic: made.findingsTopic,
        issued_at: at(),
      });
    },

    /** A host is about to launch this instance. @returns whether the slot has a key already */
    async launching(
      db: Executor,
      where: { agentId: string; slot: number },
      instanceId: string,
    ): Promise<boolean> {
      const slot = await store.lockSlot(db, where.agentId, where.slot);
      await store.updateSlot(db, slot, { launched: instanceId });
      return slot.public_key !== null;
    },

    /** An instance was heard on the broker. Costs nothing while it is the one that should be. */
    async heard(agentId: string, instanceId: string | undefined): Promise<void> {
      if (instanceId === undefined || holders.get(agentId) === instanceId) return;
      const now = clock.monotonic();
      if (now - (looked.get(agentId) ?? Number.NEGATIVE_INFINITY) < LOOK_AGAIN_MS) return;
      remember(looked, agentId, now);
      const fenced = await database.transaction(async (tx) => {
        await agents.lock(tx, agentId);
        const slots = await store.slotsOf(tx, agentId);
        if (slots.some((slot) => slot.instance_id === instanceId)) {
          remember(holders, agentId, instanceId);
          return false;
        }
        const slot = slots.find((each) => each.slot === 0);
        if (slot === undefined || slot.public_key === null) return false;
        const verdict = await decide(tx, slot, instanceId);
        if (verdict === 'takes_over') remember(holders, agentId, instanceId);
        return verdict === 'duplicate' && (await fence(tx, slot, instanceId, FENCE_AGAIN_MS));
      });
      if (fenced) onChange();
    },

    /**
     * Takes an agent's keys away for good, in the caller's transaction: its connections end at the next push.
     * @returns how many keys it had
     */
    async unregister(db: Executor, agentId: string, reason: string): Promise<number> {
      let keys = 0;
      for (const slot of await store.slotsOf(db, agentId)) {
        if (slot.public_key !== null) {
          keys += 1;
          await revocations.revoke(db, {
            publicKey: slot.public_key,
            agentId,
            issuedAt: slot.issued_at,
            burn: true,
            reason,
          });
        }
        await store.updateSlot(db, slot, {
          ...takenOver(slot, null),
          public_key: null,
          launched: null,
          fenced_at: null,
        });
      }
      holders.delete(agentId);
      return keys;
    },

    /** Clears the condition of agents that had no second instance for a while. */
    async calm(): Promise<void> {
      const before = new Date(clock.now() - CALM_MS);
      for (const agentId of await store.fencedBefore(database.pool, before)) {
        await database.transaction(async (tx) => {
          await agents.lock(tx, agentId);
          if (!(await store.calmSlots(tx, agentId, before))) return;
          await agents.change(tx, agentId, {
            conditions: [{ type: 'duplicate_identity', present: false }],
          });
        });
      }
    },

    grantedTopics: (agentIds: readonly string[]) => store.grantedTopics(database.pool, agentIds),

    trimTopics: (before: Date) => store.trimTopics(database.pool, before),
  };
}

export type SlotsService = ReturnType<typeof createSlotsService>;
