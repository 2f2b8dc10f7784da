/** Pins what is done for each pair of wish and state. */
import { type DesiredAgent, INSTANCE_STATES, type InstanceState } from '@opmas/protocol';
import { describe, expect, it } from 'vitest';
import { MOVES } from './instance.ts';
import { nextStep } from './reconcile.ts';

const wish = (over: Partial<DesiredAgent> = {}): DesiredAgent => ({
  agent_id: 'wifi-1',
  agent_name: 'wifi',
  agent_type: 'wifi',
  version: '1.0.0',
  desired: 'running',
  generation: 4,
  package_dir: '/p',
  package_digest: 'a'.repeat(64),
  entry: 'code',
  limits: {},
  ...over,
});
const launched = { generation: 4, package_dir: '/p' };
const step = (
  desired: DesiredAgent | undefined,
  state: InstanceState,
  next: number | null = null,
) => {
  const result = nextStep(desired, { state, launched, next_start_at: next }, 1000);
  return result.do === 'launch' && result.fresh ? 'fresh launch' : result.do;
};

describe('reconcile', () => {
  it.each([
    ['stopped', 'launch', 'nothing', 'forget', 'fresh launch'],
    ['starting', 'nothing', 'stop', 'stop', 'stop'],
    ['ready', 'nothing', 'stop', 'stop', 'stop'],
    ['stopping', 'stop', 'stop', 'stop', 'stop'],
    ['backoff', 'wait', 'settle', 'forget', 'fresh launch'],
    ['failed', 'wait', 'settle', 'forget', 'fresh launch'],
    ['waiting_config', 'nothing', 'settle', 'forget', 'fresh launch'],
  ] as const)(
    '%s: wanted %s, stopped %s, removed %s, newer %s',
    (state, run, stop, gone, newer) => {
      expect(step(wish(), state, 5000)).toBe(run);
      expect(step(wish({ desired: 'stopped' }), state, 5000)).toBe(stop);
      expect(step(undefined, state, 5000)).toBe(gone);
      expect(step(wish({ generation: 5 }), state, 5000)).toBe(newer);
      expect(step(wish({ package_dir: '/q' }), state, 5000)).toBe(newer);
    },
  );

  it('launches when the time has come, and never waits longer than a minute', () => {
    expect(step(wish(), 'backoff', 1000)).toBe('launch');
    const jumped = { state: 'backoff', launched, next_start_at: 1e12 } as const;
    expect(nextStep(wish(), jumped, 1000)).toEqual({ do: 'wait', ms: 60_000 });
  });

  it('knows every state, and every state can be left and reached', () => {
    for (const state of INSTANCE_STATES) {
      expect(MOVES[state].length).toBeGreaterThan(0);
      expect(INSTANCE_STATES.some((from) => MOVES[from].includes(state))).toBe(true);
    }
  });
});
