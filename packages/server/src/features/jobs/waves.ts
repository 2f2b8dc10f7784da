/** Which agents come when: sizes as people write them, and the order of agents. Pure. */
import { OpmasError } from '../../kernel/errors.ts';
import { jobLimits } from './limits.ts';

export const DEFAULT_WAVES = ['1', '10%', '100%'] as const;

/** `5` agents, or `12.5%` of them. */
export const WAVE_SIZE = '^([1-9][0-9]{0,4}|(100|[1-9]?[0-9](\\.[0-9]{1,2})?)%)$';

export interface PlannedWave {
  size: string;
  /** Agents up to and with this wave. */
  upTo: number;
}

/**
 * Sizes count from the beginning: `1, 10%, 100%` of 50 agents are 1, then 4 more, then the other 45. Waves that
 * would be empty are left out, and a last one takes in whoever is left.
 * @throws {OpmasError} OPMAS_INVALID_REQUEST for sizes that are none
 */
export function planWaves(total: number, sizes: readonly string[]): PlannedWave[] {
  const waves: PlannedWave[] = [];
  for (const [at, size] of [...sizes, '100%'].entries()) {
    const upTo = Math.min(total, countOf(size, total, at));
    if (upTo > (waves.at(-1)?.upTo ?? 0)) waves.push({ size, upTo });
  }
  return waves;
}

function countOf(size: string, total: number, at: number): number {
  const value = Number.parseFloat(size);
  if (!new RegExp(WAVE_SIZE).test(size) || value <= 0) {
    throw new OpmasError(
      'OPMAS_INVALID_REQUEST',
      `${JSON.stringify(size)} is no wave: write a number of agents (5) or a share of them (10%)`,
      { errors: [{ path: `waves[${at}]`, message: 'must be a number or a percentage above 0' }] },
    );
  }
  return size.endsWith('%') ? Math.ceil((total * value) / 100) : value;
}

export interface Candidate {
  id: string;
  type: string;
  status: string;
  desired: string;
  /** What is wrong with it now. */
  conditions: readonly string[];
}

/**
 * The order of the agents: first those that are well, because only they can show that a change is; among them
 * the types take turns, so that early waves hold something of everything.
 */
export function inOrder(agents: readonly Candidate[]): Candidate[] {
  const groups = [healthy, running, () => true];
  const left = new Set(agents.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  return groups.flatMap((isIn) => {
    const some = [...left].filter(isIn);
    for (const each of some) left.delete(each);
    return typesInTurn(some);
  });
}

const running = ({ status, desired }: Candidate): boolean =>
  status === 'running' && desired === 'running';
const healthy = (each: Candidate): boolean => running(each) && each.conditions.length === 0;

function typesInTurn(agents: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, number>();
  return agents
    .map((agent) => {
      const turn = seen.get(agent.type) ?? 0;
      seen.set(agent.type, turn + 1);
      return { agent, turn };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ agent }) => agent);
}

/** @throws {OpmasError} OPMAS_INVALID_REQUEST when there are more agents than a job may have */
export function refuseTooMany(agents: number): void {
  if (agents <= jobLimits.agents) return;
  throw new OpmasError(
    'OPMAS_INVALID_REQUEST',
    `The job would reach ${agents} agents; it may reach ${jobLimits.agents}: choose fewer`,
  );
}
