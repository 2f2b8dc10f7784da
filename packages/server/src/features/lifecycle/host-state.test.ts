import {
  AGENT_STATUSES,
  type Condition,
  INSTANCE_STATES,
  type InstanceReport,
} from '@opmas/protocol';
import { describe, expect, test } from 'vitest';
import { applyConditions } from '../agents/agent.ts';
import type { AgentRow } from '../agents/index.ts';
import { changeFor } from './host-state.ts';

const report = (state: InstanceReport['state'], reason: string | null = null): InstanceReport => ({
  agent_id: 'a',
  agent_name: 'A',
  instance_id: 'i',
  state,
  reason,
  pid: 7,
  started_at: null,
  restarts: 3,
  next_start_at: null,
  generation: 1,
});
const running = { status: 'running', conditions: [] as AgentRow['conditions'] } as AgentRow;
const statusAfter = (from: string, state: InstanceReport['state']) =>
  changeFor({ status: from, conditions: [] as AgentRow['conditions'] } as AgentRow, report(state))
    .status ?? from;

describe('what a host reports', () => {
  test('becomes this status and no other', () => {
    const table = AGENT_STATUSES.map(
      (from) =>
        `${from}: ${INSTANCE_STATES.map((state) => `${state}→${statusAfter(from, state)}`).join(' ')}`,
    );
    expect(table).toMatchInlineSnapshot(`
      [
        "discovered: starting→discovered ready→discovered stopping→discovered stopped→discovered backoff→discovered failed→discovered waiting_config→discovered",
        "registered: starting→registered ready→running stopping→registered stopped→stopped backoff→registered failed→failed waiting_config→failed",
        "running: starting→running ready→running stopping→running stopped→stopped backoff→running failed→failed waiting_config→failed",
        "stopped: starting→stopped ready→running stopping→stopped stopped→stopped backoff→stopped failed→failed waiting_config→failed",
        "failed: starting→failed ready→running stopping→failed stopped→stopped backoff→failed failed→failed waiting_config→failed",
        "removed: starting→removed ready→removed stopping→removed stopped→removed backoff→removed failed→removed waiting_config→removed",
      ]
    `);
  });

  test.each(INSTANCE_STATES)(
    '%s carries pid, instance and restarts, and a reason where it matters',
    (state) => {
      const change = changeFor(running, report(state, 'exit code 3'));
      expect(change.set).toEqual({ pid: 7, instance_id: 'i', restarts: 3 });
      const said = JSON.stringify([change.reason, change.conditions]);
      expect(said.includes('exit code 3')).toBe(state !== 'ready');
    },
  );

  test('an end for its configuration is told anew when it comes again after a start', () => {
    const after = (agent: AgentRow, state: InstanceReport['state'], at: number): AgentRow => ({
      ...agent,
      conditions: [
        ...applyConditions(
          agent.conditions as Condition[],
          changeFor(agent, report(state, 'refused')).conditions ?? [],
          at,
        ),
      ],
    });
    const sinceOf = ({ conditions }: AgentRow) =>
      (conditions as Condition[]).find(({ type }) => type === 'config_rejected')?.since;
    const ended = after(running, 'waiting_config', 1_000);
    expect(sinceOf(after(ended, 'waiting_config', 2_000))).toBe(sinceOf(ended));
    const started = after(ended, 'starting', 3_000);
    expect(sinceOf(started)).toBeUndefined();
    expect(sinceOf(after(ended, 'ready', 3_000))).toBeUndefined();
    expect(Date.parse(sinceOf(after(started, 'waiting_config', 4_000)) ?? '')).toBe(4_000);
    // What the agent itself refused stays until it runs another one.
    const refused = [
      { type: 'config_rejected', reason: 'rejected_by_agent', message: 'x', since: 's' } as const,
    ];
    expect(sinceOf(after({ ...running, conditions: [...refused] }, 'starting', 5_000))).toBe('s');
  });

  test('stopped and ready leave no condition of an earlier trouble', () => {
    for (const state of ['stopped', 'ready'] as const) {
      const change = changeFor(running, report(state));
      const gone = change.conditions?.filter((c) => !c.present).map((c) => c.type);
      expect(gone).toEqual(expect.arrayContaining(['starting', 'backoff', 'crash_loop']));
      expect(change.conditions?.some((c) => c.present)).toBe(false);
    }
  });
});
