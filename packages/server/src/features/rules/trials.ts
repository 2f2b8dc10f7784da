/** Tries rules on events, given or recorded, in a thread with bounds of time and memory. */
import type { Fault, LogEvent, Rule } from '@opmas/protocol';
import type { TrialResult } from '@opmas/rules';
import { type BoundedWorker, boundedWorker } from '../../kernel/bounded-worker.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { rulesLimits } from './limits.ts';
import type { RulesAnswer, RulesQuestion } from './questions.ts';
import { failureOf, faultOf, RULES_WORKER } from './rules-check.ts';

/** Why a trial ended before its events did. */
export type Stopped = 'time' | 'events' | 'bytes';

export interface Trial {
  errors: Fault[];
  warnings: Fault[];
  /** Examples that did not come out. */
  failed: Fault[];
  /** Undefined for rules that do not compile. */
  result: TrialResult | undefined;
  stopped: Stopped | null;
}

/** A message of recorded events, as the broker keeps it. */
export interface Recorded {
  data: Uint8Array;
}

export interface TrialInput {
  rules: unknown;
  inForce: readonly Rule[] | undefined;
  /** A finding to look out for. */
  watch?: { rule_id: string; event_id: string };
  /** Up to when nothing more is known to have come, in milliseconds. */
  until?: number;
  /** Events, or messages some at a time. */
  source:
    | { events: readonly LogEvent[] }
    | { messages: AsyncIterable<readonly Recorded[]>; last: number | undefined };
}

export interface Trials {
  /** @throws {OpmasError} OPMAS_UNAVAILABLE when too many run, OPMAS_TIMEOUT when the thread is lost */
  run(input: TrialInput): Promise<Trial>;
}

export function createTrials(): Trials {
  let running = 0;
  return {
    run: async (input) => {
      if (running >= rulesLimits.trials) {
        throw new OpmasError('OPMAS_UNAVAILABLE', `${running} trials of rules run already`, {
          retryAfter: 5,
        });
      }
      running += 1;
      const worker = boundedWorker<RulesQuestion, RulesAnswer>({
        script: RULES_WORKER,
        timeoutMs: rulesLimits.answerMs,
        memoryMb: rulesLimits.workerMb,
      });
      try {
        return await runIn(worker, input, performance.now() + rulesLimits.trialMs);
      } finally {
        running -= 1;
        await worker.rest();
      }
    },
  };
}

async function runIn(
  worker: BoundedWorker<RulesQuestion, RulesAnswer>,
  { rules, inForce, source, watch, until }: TrialInput,
  end: number,
): Promise<Trial> {
  const given = 'events' in source;
  const started = await ask(worker, {
    ask: 'start',
    rules,
    in_force: inForce,
    explain: given ? rulesLimits.explainedEvents : 0,
    last: given ? undefined : source.last,
    watch,
  });
  if (started.told !== 'checked') throw new Error(`a start was answered by ${started.told}`);
  const said = {
    errors: started.errors.map(faultOf).slice(0, rulesLimits.faults),
    warnings: started.warnings.map(faultOf).slice(0, rulesLimits.faults),
    failed: started.failed.map(failureOf).slice(0, rulesLimits.faults),
  };
  if (started.errors.length > 0) return { ...said, result: undefined, stopped: null };

  /** Works what waits. false: the time is up. */
  const work = async (): Promise<boolean> => {
    for (;;) {
      if (performance.now() >= end) return false;
      const { events } = waitingOf(await ask(worker, { ask: 'work', ms: rulesLimits.sliceMs }));
      if (events === 0) return true;
    }
  };
  let stopped: Stopped | null = null;
  if (given) {
    await ask(worker, { ask: 'events', events: source.events });
    if (!(await work())) stopped = 'time';
  } else {
    stopped = await feed(worker, source, work, () => performance.now() >= end);
  }
  const answer = await ask(worker, {
    ask: 'result',
    cost_ms: Math.min(rulesLimits.costMs, end - performance.now()),
    // Where events were left out, it is not known what is absent.
    until: stopped === null ? until : undefined,
  });
  if (answer.told !== 'result') throw new Error(`a result was answered by ${answer.told}`);
  return { ...said, result: answer.result, stopped };
}

async function feed(
  worker: BoundedWorker<RulesQuestion, RulesAnswer>,
  source: { messages: AsyncIterable<readonly Recorded[]>; last: number | undefined },
  work: () => Promise<boolean>,
  isOver: () => boolean,
): Promise<Stopped | null> {
  let bytes = 0;
  let events = 0;
  for await (const messages of source.messages) {
    for (const { data } of messages) bytes += data.length;
    const payloads = messages.map(({ data }) => data);
    const waiting = waitingOf(await ask(worker, { ask: 'messages', payloads }));
    if (source.last !== undefined) {
      // The newest are known only at the end; they are worked then.
      if (isOver()) return 'time';
      continue;
    }
    events += waiting.events;
    if (!(await work())) return 'time';
    if (events >= rulesLimits.recordedEvents) return 'events';
    if (bytes >= rulesLimits.recordedBytes) return 'bytes';
  }
  return (await work()) ? null : 'time';
}

async function ask(
  worker: BoundedWorker<RulesQuestion, RulesAnswer>,
  question: RulesQuestion,
): Promise<RulesAnswer> {
  const told = await worker.ask(question);
  if (!told.lost) return told.answer;
  throw new OpmasError(
    'OPMAS_TIMEOUT',
    'The trial was given up: these rules take too long, or too much memory, on these events',
    { internal: told.message },
  );
}

function waitingOf(answer: RulesAnswer): { events: number } {
  if (answer.told !== 'waiting') throw new Error(`events were answered by ${answer.told}`);
  return answer;
}
