/** A wave under way: outcomes as they become known, gates as they are read, and what follows from both. */
import type { JobGateReading } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/ports.ts';
import type { LoadFacts } from './facts.ts';
import { closedText, failuresGate, type Measured, readGates } from './gates.ts';
import { cut, type JobAgentRow, type JobRow, type WaveRow, waveName } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { findingsBetween, workSince } from './measures.store.ts';
import type { Moves } from './moves.ts';
import {
  afterCommand,
  afterConfig,
  type Facts,
  hasTaken,
  type Verdict,
  whileWatched,
} from './verdict.ts';

/** `again`: there may be more to do at once. */
export interface Step {
  again: boolean;
  changed: boolean;
}

export function createWaveWatch(options: { moves: Moves; facts: LoadFacts; clock: Clock }) {
  const { moves, facts: load, clock } = options;
  const at = () => new Date(clock.now());
  const isOver = (time: Date | null) => time !== null && time.getTime() <= clock.now();

  /** @returns whether anything became known */
  async function settleOutcomes(db: Executor, job: JobRow, wave: number): Promise<boolean> {
    const rows = await jobAgents.agentsOf(db, job.job_id, {
      upTo: wave,
      outcomes: ['running', 'done'],
    });
    const facts = await load(db, rows);
    const changes = rows.flatMap((row) => {
      const verdict = verdictOn(row, facts.get(row.agent_id));
      return verdict === undefined ? [] : [changeOf(row, verdict, wave)];
    });
    await jobAgents.recordOutcomes(db, job.job_id, changes, at());
    return changes.length > 0;
  }

  /** Whoever has no outcome by now will not have one. */
  async function expire(db: Executor, job: JobRow, wave: number): Promise<void> {
    const late = await jobAgents.agentsOf(db, job.job_id, {
      upTo: wave,
      outcomes: ['pending', 'running'],
    });
    const reason = `No outcome within ${job.plan.deadline_seconds} s`;
    await jobAgents.recordOutcomes(
      db,
      job.job_id,
      late.map((row) => changeOf(row, { outcome: 'expired', reason }, wave)),
      at(),
    );
  }

  async function saveGates(
    db: Executor,
    job: JobRow,
    wave: WaveRow,
    gates: JobGateReading[],
  ): Promise<boolean> {
    if (JSON.stringify(gates) === JSON.stringify(wave.gates)) return false;
    await store.updateWave(db, job.job_id, wave.wave, { gates });
    return true;
  }

  /** A gate has closed: what was agreed on happens. */
  async function close(db: Executor, job: JobRow, wave: WaveRow, gates: JobGateReading[]) {
    const text = closedText(gates);
    const why = cut(`${waveName(wave.wave)}: ${text ?? 'a gate closed'}`);
    await store.updateWave(db, job.job_id, wave.wave, {
      state: 'closed',
      reason: cut(text ?? 'A gate closed'),
      ended_at: at(),
      gates,
    });
    const { on_failure: decision } = job.plan;
    await moves.record(db, job, 'jobs.gate_closed', { wave: wave.wave, reason: why, decision });
    if (decision === 'pause') await moves.pause(db, job, `Paused by itself: ${why}`);
    else await moves.giveUp(db, job, decision === 'rollback' ? 'rolled_back' : 'failed', why);
    return { again: true, changed: true };
  }

  async function failures(db: Executor, job: JobRow, wave: WaveRow): Promise<Measured['failures']> {
    return jobAgents.failuresIn(db, job.job_id, wave.wave);
  }

  /**
   * Agents of the wave that work with the change. Also those that failed with it, within what is allowed: an
   * agent that tells of an error is degraded, and its errors are the ones to be counted.
   */
  async function takers(db: Executor, job: JobRow, wave: number): Promise<string[]> {
    const rows = await jobAgents.agentsOf(db, job.job_id, { wave, outcomes: ['done', 'failed'] });
    const failed = rows.filter(({ outcome }) => outcome === 'failed');
    const facts = await load(db, failed);
    const taken = rows.filter(
      ({ outcome, action_id, agent_id }) =>
        outcome === 'done' || hasTaken(action_id, facts.get(agent_id)),
    );
    return taken.map(({ agent_id }) => agent_id);
  }

  /** Agents are taking the change. */
  async function running(db: Executor, job: JobRow, wave: WaveRow): Promise<Step> {
    let changed = await settleOutcomes(db, job, wave.wave);
    const isLate = isOver(wave.deadline);
    if (isLate) {
      await expire(db, job, wave.wave);
      changed = true;
    }
    const gate = failuresGate(job.plan.gates, await failures(db, job, wave));
    if (gate.closed) return close(db, job, wave, [gate]);
    changed = (await saveGates(db, job, wave, [gate])) || changed;
    const open = await jobAgents.agentsOf(db, job.job_id, {
      upTo: wave.wave,
      outcomes: ['pending', 'running'],
    });
    if (open.length > 0) return { again: false, changed };
    const { max_error_rate: rate, settle_seconds: settle } = job.plan.gates;
    // Figures come once a minute: the gate that reads them may need longer than the watching takes.
    const seconds = rate === null ? settle : Math.max(settle, job.plan.deadline_seconds);
    const deadline = new Date(clock.now() + seconds * 1_000);
    await store.updateWave(db, job.job_id, wave.wave, {
      state: 'watching',
      applied_at: at(),
      deadline,
    });
    await moves.move(db, job, 'running', {
      reason: `Watches ${waveName(wave.wave)} for ${settle} s`,
      deadline,
    });
    return { again: true, changed: true };
  }

  /** Agents have it: does it do them good? */
  async function watching(db: Executor, job: JobRow, wave: WaveRow): Promise<Step> {
    const changed = await settleOutcomes(db, job, wave.wave);
    const measured: Measured = {
      failures: await failures(db, job, wave),
      work: undefined,
      findings: undefined,
    };
    const gate = failuresGate(job.plan.gates, measured.failures);
    if (gate.closed) return close(db, job, wave, [gate]);
    const { gates } = job.plan;
    const since = wave.applied_at ?? at();
    const settleMs = gates.settle_seconds * 1_000;
    const until = new Date(since.getTime() + settleMs);
    if (!isOver(until)) {
      return { again: false, changed: (await saveGates(db, job, wave, [gate])) || changed };
    }
    const ids = await takers(db, job, wave.wave);
    // Where nobody has taken the change there is nothing to measure.
    if (ids.length > 0 && gates.max_error_rate !== null) {
      const work = await workSince(db, ids, since);
      if (work.reported < ids.length && !isOver(wave.deadline)) {
        return { again: false, changed: (await saveGates(db, job, wave, [gate])) || changed };
      }
      if (work.reported > 0) measured.work = work;
    }
    if (ids.length > 0 && gates.max_findings_change !== null) {
      const start = wave.started_at ?? since;
      measured.findings = {
        before: await findingsBetween(db, ids, new Date(start.getTime() - settleMs), start),
        now: await findingsBetween(db, ids, since, until),
      };
    }
    const readings = ids.length === 0 ? [gate] : readGates(gates, measured);
    if (readings.some((each) => each.closed)) return close(db, job, wave, readings);
    await pass(db, job, wave, readings);
    return { again: true, changed: true };
  }

  async function pass(db: Executor, job: JobRow, wave: WaveRow, gates: JobGateReading[]) {
    await store.updateWave(db, job.job_id, wave.wave, { state: 'passed', ended_at: at(), gates });
    await moves.record(db, job, 'jobs.wave_passed', { wave: wave.wave });
    const isLast = wave.wave === (await store.lastWave(db, job.job_id));
    if (job.plan.pause_between && !isLast) {
      await moves.pause(db, job, `${waveName(wave.wave)} has passed; waits for somebody to resume`);
    } else await moves.advance(db, job, 'Every wave has passed its gates');
  }

  return { running, watching };
}

function verdictOn(row: JobAgentRow, now: Facts | undefined): Verdict | undefined {
  const { before } = row;
  if (now === undefined || before === null) return undefined;
  if (row.outcome === 'done') return whileWatched(before, now);
  return row.action_id === null ? afterConfig(before, now) : afterCommand(before, now);
}

function changeOf(
  { agent_id }: JobAgentRow,
  { outcome, reason }: Verdict,
  wave: number,
): jobAgents.OutcomeChange {
  const isFailure = outcome === 'failed' || outcome === 'expired';
  return {
    agent_id,
    outcome,
    reason: reason === null ? null : cut(reason),
    failed_wave: isFailure ? wave : null,
  };
}
