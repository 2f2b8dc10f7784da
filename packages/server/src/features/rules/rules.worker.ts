/** Compiles, checks and tries rules on a thread of its own, which may be lost: the server goes on meanwhile. */
import { parentPort } from 'node:worker_threads';
import { decodeEvents } from '@opmas/bus';
import { check, LogEvent } from '@opmas/protocol';
import { compileRules, failuresOf, Trial } from '@opmas/rules';
import type { RulesAnswer, RulesQuestion } from './questions.ts';

/** Events matched between two looks at the clock: more as long as that is quick. */
const LEAST_EVENTS = 16;
const MOST_EVENTS = 1_024;
const QUICK_MS = 20;

/** The trial at work, its events that are still to be worked, and how many of them at most are kept. */
let trial: Trial | undefined;
let waiting: LogEvent[] = [];
let keep: number | undefined;
let step = LEAST_EVENTS;

parentPort?.on('message', (question: RulesQuestion) => {
  parentPort?.postMessage(answerTo(question));
});

function answerTo(question: RulesQuestion): RulesAnswer {
  switch (question.ask) {
    case 'check': {
      const compiled = compileRules(question.rules);
      const { errors, warnings } = compiled;
      return {
        told: 'checked',
        errors,
        warnings,
        failed: compiled.ok ? failuresOf(compiled.ruleset) : [],
      };
    }
    case 'start': {
      const { rules, in_force, explain, last, watch } = question;
      [trial, waiting, keep, step] = [undefined, [], last, LEAST_EVENTS];
      const start = Trial.start(rules, { inForce: in_force, explain, watch });
      if (!start.ok) {
        return { told: 'checked', errors: start.errors, warnings: start.warnings, failed: [] };
      }
      trial = start.trial;
      return { told: 'checked', errors: [], warnings: start.warnings, failed: start.failed };
    }
    case 'messages': {
      for (const payload of question.payloads) add(decodeEvents(payload).events);
      return { told: 'waiting', events: waiting.length };
    }
    case 'events': {
      add(question.events);
      return { told: 'waiting', events: waiting.length };
    }
    case 'work':
      work(question.ms);
      return { told: 'waiting', events: waiting.length };
    case 'result': {
      if (question.until !== undefined) trial?.pass(question.until);
      const result = trial?.result(question.cost_ms);
      [trial, waiting] = [undefined, []];
      return result === undefined ? { told: 'nothing' } : { told: 'result', result };
    }
  }
}

/** An agent would not see what is no event either. */
function add(events: readonly unknown[]): void {
  for (const event of events) if (check(LogEvent, event)) waiting.push(event);
  if (keep !== undefined && waiting.length > keep * 2) waiting = waiting.slice(-keep);
}

function work(ms: number): void {
  if (keep !== undefined) waiting = waiting.slice(-keep);
  keep = undefined;
  const end = performance.now() + ms;
  let done = 0;
  for (let now = performance.now(); now < end && done < waiting.length; ) {
    trial?.take(waiting.slice(done, done + step));
    done += step;
    const took = performance.now() - now;
    now += took;
    step = took < QUICK_MS ? Math.min(MOST_EVENTS, step * 2) : Math.max(LEAST_EVENTS, step / 4);
  }
  waiting = waiting.slice(done);
}
