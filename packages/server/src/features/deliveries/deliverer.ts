/** Brings configurations to agents: one server at a time, so many unanswered at once, each with a deadline. */
import { ConfigOutcome, ControlReply, parse } from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { isDataFault } from '../../kernel/database-away.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import { isolate } from '../../kernel/isolate.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Broker, Database, Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import type { ConfigAnswer, ConfigsService } from '../configs/index.ts';
import type { Lease } from '../leases/index.ts';
import * as store from './deliveries.store.ts';
import { type Case, conditionChanges, judge, livingInstances, retryAfterMs } from './delivery.ts';
import type { Reports, Word } from './reports.ts';

/** Changes and reports wake a round; desired configurations are compared this often when nothing does. */
const LOOK_MS = 2_000;
/** A message without an answer makes room for others after this; an answer is taken for longer. */
const ANSWER_MS = 3_000;
const LATE_ANSWER_MS = 10_000;
/** What agents report by themselves waits this long for company: a flood of it is few rounds. */
const GATHER_MS = 10;
/** Configurations worked out at one go: what is held in memory meanwhile. */
const PREPARED = 100;
const WORKED_OUT_OTHERWISE = {
  path: '',
  message:
    'It could not be sent: this server works out another one for the agent; run all servers with the same OPMAS_ENV and OPMAS_AGENT_* settings',
};

export interface DelivererOptions {
  database: Database;
  broker: Pick<Broker, 'ask' | 'ensureConsumers' | 'dropConsumer' | 'isUp'>;
  agents: Pick<AgentsService, 'change'>;
  configs: Pick<ConfigsService, 'allTold' | 'pushMessage'>;
  reports: Reports;
  lease: Pick<Lease, 'held' | 'guard'>;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  /** From the first message to `expired`. */
  deadlineMs: number;
  /** Messages without an answer at once. */
  window?: number;
  /** Something is to be done soon. */
  wake: () => void;
}

export function createDeliverer(options: DelivererOptions) {
  const { database, broker, agents, configs, reports, lease, clock, ids, logger } = options;
  const window = options.window ?? limits.deliveriesInFlight;
  /** Messages whose answers are still taken, by their id: each instance gives one. */
  const sent = new Map<string, { agentId: string; hash: string; at: number; isOpen: boolean }>();
  /** Agents that answered since the last round. */
  const answerers = new Set<string>();
  /** Deliveries that nobody has looked at yet. */
  const fresh = new Set<string>();
  let isDirty = true;
  let isLeading = false;
  let looked = Number.NEGATIVE_INFINITY;

  let gathering: NodeJS.Timeout | undefined;
  reports.onNews(() => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      options.wake();
    }, GATHER_MS).unref();
  });

  const at = () => new Date(clock.now());

  /** Words are written by every server: any of them may have heard them. */
  async function writeReports(): Promise<{ heard: string[]; beating: Set<string> }> {
    const heard = new Set<string>();
    const beating = new Set<string>();
    for (;;) {
      const words = reports.take(limits.deliveryBatch);
      try {
        const write = (some: readonly Word[]) => store.writeWords(database.pool, some);
        for (const { item, error } of await isolate(words, write, isDataFault)) {
          const told = { agent_id: item.agent_id, fault: messageOf(error) };
          logger.warn(told, 'what an agent says of its configuration is not storable, dropped');
        }
      } catch (error) {
        reports.giveBack(words);
        throw error;
      }
      // The leader keeps listening to who does not run what it shall; for others once a minute is enough.
      if (!lease.held()) {
        reports.settled(
          words.flatMap(({ agent_id, instance_id, running_hash: hash }) =>
            hash === undefined || hash === null ? [] : [{ agent_id, instance_id, hash }],
          ),
        );
      }
      for (const { agent_id, beat } of words) {
        heard.add(agent_id);
        if (beat === true) beating.add(agent_id);
      }
      if (words.length < limits.deliveryBatch) return { heard: [...heard], beating };
    }
  }

  /** @returns whether it was time to look */
  async function followDesired(): Promise<boolean> {
    if (!isDirty && clock.monotonic() - looked < LOOK_MS) return false;
    isDirty = false;
    looked = clock.monotonic();
    for (;;) {
      const changed = await store.followDesired(database.pool, at(), limits.deliveryBatch);
      reports.unsettle(changed);
      // An agent may run it already: it fetched it before it was told.
      for (const agentId of changed) fresh.add(agentId);
      if (changed.length < limits.deliveryBatch) return true;
    }
  }

  /** @returns whether anything was applied */
  async function settle(
    agentIds: readonly string[],
    beating: ReadonlySet<string>,
  ): Promise<boolean> {
    const now = clock.now();
    const cases = await store.openCases(database.pool, agentIds);
    const judged = cases.map((given) => ({ given, verdict: judge(given, now) }));
    reports.settled(
      judged
        .filter(({ verdict }) => verdict.state === 'applied')
        .flatMap(({ given }) =>
          livingInstances(given, now).map(({ instance_id }) => ({
            agent_id: given.delivery.agent_id,
            instance_id,
            hash: given.delivery.desired_hash,
          })),
        ),
    );
    const changes = judged
      .map((each) => ({
        ...each,
        isNew: each.verdict.state !== each.given.delivery.state || each.verdict.reopened,
        conditions: conditionChanges(each.given, each.verdict, now),
      }))
      .filter(({ isNew, conditions }) => isNew || conditions.length > 0);
    for (let from = 0; from < changes.length; from += limits.deliveryBatch) {
      const batch = changes.slice(from, from + limits.deliveryBatch);
      await asLeader(async (tx) => {
        await store.recordVerdicts(
          tx,
          batch
            .filter(({ isNew }) => isNew)
            .map(({ given: { delivery }, verdict }) => ({
              agent_id: delivery.agent_id,
              desired_hash: delivery.desired_hash,
              ...verdict,
            })),
          at(),
        );
        for (const { given, conditions } of batch) {
          if (conditions.length > 0) {
            await agents.change(tx, given.delivery.agent_id, { conditions });
          }
        }
      });
    }
    await hastenMissed(cases.filter(({ delivery }) => beating.has(delivery.agent_id)));
    return changes.some(({ isNew, verdict }) => isNew && verdict.state === 'applied');
  }

  /** Whoever beats after it was told, and runs something else, may have missed it: it is told at once. */
  async function hastenMissed(cases: readonly Case[]): Promise<void> {
    const asked = new Set([...sent.values()].filter((each) => each.isOpen).map((e) => e.agentId));
    const missed = cases.filter(({ delivery: d, instances }) => {
      const told = d.sent_at?.getTime();
      if (d.state !== 'pending' || told === undefined || asked.has(d.agent_id)) return false;
      return instances.some(
        (each) => each.running_hash !== d.desired_hash && each.last_heard.getTime() > told,
      );
    });
    if (missed.length === 0) return;
    await store.hasten(
      database.pool,
      missed.map(({ delivery }) => delivery.agent_id),
      at(),
    );
  }

  /** Counts, and takes away, what topics that were removed have left behind. */
  async function clearLeftovers(): Promise<void> {
    for (const { delivery, agent } of await store.leftoverCases(
      database.pool,
      limits.deliveryBatch,
    )) {
      const gone = delivery.topics.filter((topic) => !agent.topics.includes(topic));
      const leftBehind = [];
      for (const topic of gone) {
        leftBehind.push({ topic, unread: await broker.dropConsumer(agent.name, topic) });
      }
      await store.recordLeftBehind(database.pool, delivery.agent_id, {
        desired_hash: delivery.desired_hash,
        topics: agent.topics,
        leftBehind,
      });
      logger.info({ agent: agent.name, left_behind: leftBehind }, 'topics removed');
    }
  }

  async function send(): Promise<void> {
    const now = clock.monotonic();
    for (const [id, each] of sent) {
      if (now - each.at > ANSWER_MS) each.isOpen = false;
      if (now - each.at > LATE_ANSWER_MS) sent.delete(id);
    }
    if (!broker.isUp()) return;
    const open = [...sent.values()].filter((each) => each.isOpen).length;
    const room = Math.min(window - open, limits.deliveryBatch);
    if (room <= 0) return;
    const due = await store.dueCases(database.pool, at(), room);
    const told: store.Told[] = [];
    for (let from = 0; from < due.length; from += PREPARED) {
      const some = due.slice(from, from + PREPARED);
      const answers = await configs.allTold(
        database.pool,
        some.map(({ delivery }) => delivery.agent_id),
      );
      for (const each of some) {
        told.push(await tell(each, answers.get(each.delivery.agent_id)));
      }
    }
    if (told.length > 0) await asLeader((tx) => store.recordTold(tx, told));
    // What was answered meanwhile is written before others are told, or they would be told again.
    if (due.length === room) options.wake();
  }

  async function tell(
    { delivery, agent }: Case,
    answer: ConfigAnswer | OpmasError | undefined,
  ): Promise<store.Told> {
    const { agent_id, desired_hash } = delivery;
    const now = clock.now();
    const told = {
      agent_id,
      desired_hash,
      at: new Date(now),
      deadline: new Date(now + options.deadlineMs),
      next_send_at: new Date(now + retryAfterMs(delivery.attempts + 1)),
    };
    try {
      if (answer instanceof OpmasError) throw answer;
      if (answer?.hash !== desired_hash) {
        // Mostly something else is desired by now, and the next round begins anew with that. What never comes
        // out right ends at its deadline like all else, and holds nobody up meanwhile.
        isDirty = true;
        return { ...told, topics: delivery.topics, errors: [WORKED_OUT_OTHERWISE] };
      }
      // What it is about to read exists before it hears of it; its new credentials are asked for by itself.
      const added = agent.topics.filter((topic) => !delivery.topics.includes(topic));
      if (added.length > 0) await broker.ensureConsumers(agent.name, added);
      const id = ids.uuid();
      const message = configs.pushMessage(answer);
      const whole = {
        ...message,
        command_id: id,
        deadline: timestamp((delivery.deadline ?? told.deadline).getTime()),
        payload: { ...message.payload, ...(delivery.forced ? { retry: true } : {}) },
      };
      sent.set(id, {
        agentId: agent_id,
        hash: desired_hash,
        at: clock.monotonic(),
        isOpen: true,
      });
      try {
        broker.ask(agent.name, id, whole);
      } catch (error) {
        if (!(error instanceof OpmasError && error.code === 'OPMAS_TOO_LARGE')) throw error;
        // Too large for a message: the agent fetches it.
        const { config: _, ...rest } = whole.payload as Record<string, unknown>;
        broker.ask(agent.name, id, { ...whole, payload: rest });
      }
      return { ...told, topics: [...new Set([...delivery.topics, ...agent.topics])], errors: [] };
    } catch (error) {
      logger.warn({ agent: agent.name, err: messageOf(error) }, 'configuration not sent');
      const message = `It could not be sent: ${messageOf(error)}`.slice(0, 1_024);
      return { ...told, topics: delivery.topics, errors: [{ path: '', message }] };
    }
  }

  async function asLeader(work: (tx: Executor) => Promise<void>): Promise<void> {
    await database.transaction(async (tx) => {
      if (await lease.guard(tx)) await work(tx);
    });
  }

  return {
    /** One round; nothing but the words of agents is written by a server that does not lead. */
    async work(): Promise<void> {
      const { heard, beating } = await writeReports();
      const hasLed = isLeading;
      isLeading = lease.held();
      if (!isLeading) return;
      if (!hasLed) reports.unsettleAll();
      const said = [...answerers];
      answerers.clear();
      const isTime = await followDesired();
      const look = new Set([...heard, ...said, ...fresh]);
      fresh.clear();
      await store.answered(database.pool, said);
      const isApplied = await settle([...look], beating);
      await send();
      if (isTime || isApplied) await clearLeftovers();
    },

    /** Something may be desired that was not before. */
    changed(): void {
      isDirty = true;
      options.wake();
    },

    /** An instance's answer, or undefined: nobody listens. */
    answer(id: string, value: unknown): void {
      const asked = sent.get(id);
      if (asked === undefined) return;
      asked.isOpen = false;
      options.wake();
      if (value === undefined) return;
      const reply = parse(ControlReply, value);
      if (!reply.ok || reply.value.agent_id !== asked.agentId) {
        logger.warn({ agent: asked.agentId }, 'an answer that is none, ignored');
        return;
      }
      const { ok, error, instance_id = '', data } = reply.value;
      const outcome = parse(ConfigOutcome, data);
      answerers.add(asked.agentId);
      reports.answer(
        { agent_id: asked.agentId, instance_id: instance_id.slice(0, 64), hash: asked.hash },
        { ok, error, outcome: outcome.ok ? outcome.value : undefined },
      );
    },
  };
}

export type Deliverer = ReturnType<typeof createDeliverer>;
