/** Who may speak for a slot: one instance at a time, by its host's word where it has a host. Pure. */
import type { Selectable } from 'kysely';
import type { Tables } from '../../platform/ports.ts';

export type SlotRow = Selectable<Tables['agent_slots']>;

/** What the agent's host says; undefined for an agent that no host runs. */
export type HostWord =
  | {
      /** The instance it reported last. */
      instanceId: string | null;
      /** When it was last heard; null: never. */
      at: Date | null;
    }
  | undefined;

export type Verdict =
  /** Speaks for the slot already. */
  | 'holder'
  /** Is the newest: it speaks for the slot from now on. */
  | 'takes_over'
  /** Its host has not been heard since it turned up: too early to tell. */
  | 'unknown'
  /** Another instance speaks for the slot. */
  | 'duplicate';

/**
 * A start is seen in three ways, in any order: the ticket its host asked for, the report of its host, its own
 * first words. An instance that its host does not know of in a report after its first words is a second one.
 * Where there is no host the newest instance is right, and one of before that speaks again is a second one.
 */
export function judge(slot: SlotRow, instanceId: string, host: HostWord): Verdict {
  if (slot.instance_id === instanceId) return 'holder';
  if (slot.instance_id === null) return 'takes_over';
  if (host === undefined) return slot.former.includes(instanceId) ? 'duplicate' : 'takes_over';
  if (instanceId === slot.launched || instanceId === host.instanceId) return 'takes_over';
  const heardSince =
    slot.rival === instanceId &&
    slot.rival_at !== null &&
    host.at !== null &&
    host.at.getTime() > slot.rival_at.getTime();
  return heardSince ? 'duplicate' : 'unknown';
}

/** Instances of before that are remembered. */
const FORMER = 16;

/** The slot after `instanceId` took it over. */
export function takenOver(slot: SlotRow, instanceId: string | null) {
  const former = [slot.instance_id, ...slot.former].filter(
    (each): each is string => each !== null && each !== instanceId,
  );
  return {
    instance_id: instanceId,
    epoch: slot.epoch + 1,
    former: [...new Set(former)].slice(0, FORMER),
    rival: null,
    rival_at: null,
  };
}
