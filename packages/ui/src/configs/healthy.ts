// What an agent would fall back to, and how that stands to what it shall run.
import type { DeliveryDetail } from '../api/configs.ts';

export type Fallback =
  /** No instance was heard lately. */
  | { kind: 'unheard' }
  /** None has proven itself yet, or the agent does not say. */
  | { kind: 'none' }
  /** Its instances name different ones. */
  | { kind: 'apart' }
  /** The one it shall run is the one it was well with. */
  | { kind: 'current'; hash: string }
  /** Another one; `version` of the agent's own layer in it, where the agent says which. */
  | { kind: 'other'; hash: string; version: number | null };

type Said = Pick<DeliveryDetail, 'desired_hash' | 'healthy_hash' | 'healthy_version'> & {
  instances: readonly Pick<DeliveryDetail['instances'][number], 'healthy_hash'>[];
};

export function fallbackOf(found: Said): Fallback {
  const { healthy_hash: hash, healthy_version: version, instances } = found;
  if (instances.length === 0) return { kind: 'unheard' };
  if (hash === null) {
    return { kind: instances.some((each) => each.healthy_hash !== null) ? 'apart' : 'none' };
  }
  return hash === found.desired_hash ? { kind: 'current', hash } : { kind: 'other', hash, version };
}
