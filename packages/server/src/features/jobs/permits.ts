/** Who may do what a job does: beside the permission for jobs, the one for the work, on every agent of it. */
import type { JobAction } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import {
  type AgentFacts,
  type Permission,
  type Reach,
  reaches,
  reachOf,
} from '../../kernel/grants.ts';
import type { Call } from '../../operation.ts';
import type { JobRow } from './job.ts';

const NEEDS: Readonly<Record<JobAction, Permission>> = {
  start: 'agents:control',
  stop: 'agents:control',
  restart: 'agents:control',
  'log-level': 'configs:write',
  tags: 'agents:write',
};

export function permissionOf({ kind, action }: Pick<JobRow, 'kind' | 'action'>): Permission {
  return kind === 'action' && action !== null ? NEEDS[action] : 'configs:write';
}

/**
 * The agents that the caller reaches with both permissions.
 * @throws {OpmasError} OPMAS_FORBIDDEN when the one for the work is not granted at all
 */
function workReach({ caller }: Pick<Call, 'caller'>, permission: Permission): Reach {
  const reach = reachOf(caller.grants, permission);
  if (reach !== undefined) return reach;
  throw new OpmasError('OPMAS_FORBIDDEN', `This job needs the permission ${permission}, too`);
}

/**
 * A layer of many agents is written by who may write to all of them, as without a job.
 * @throws {OpmasError} OPMAS_FORBIDDEN
 */
export function permitRollout(call: Pick<Call, 'caller' | 'reach'>): void {
  if (workReach(call, 'configs:write') === 'all' && call.reach === 'all') return;
  throw new OpmasError(
    'OPMAS_FORBIDDEN',
    'A layer of many agents needs configs:write and jobs:write without a limit to some agents',
  );
}

/** @throws {OpmasError} OPMAS_FORBIDDEN when one of them is out of reach; it is not said which */
export function permitAction(
  call: Pick<Call, 'caller' | 'reach'>,
  permission: Permission,
  agents: readonly AgentFacts[],
): void {
  const reach = workReach(call, permission);
  const beyond = agents.filter((each) => !reaches(reach, each) || !reaches(call.reach, each));
  if (beyond.length === 0) return;
  throw new OpmasError(
    'OPMAS_FORBIDDEN',
    `The job would reach agents that you may not change with ${permission} and jobs:write; narrow it to yours`,
  );
}

/** May the caller see every agent there is? Then nothing is told by saying that one does not exist. */
export function seesAll(call: Pick<Call, 'caller' | 'reach'>, permission: Permission): boolean {
  return call.reach === 'all' && workReach(call, permission) === 'all';
}
