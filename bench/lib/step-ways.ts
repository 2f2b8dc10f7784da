/** The ways B2 works events, and what each needs: rules, events, an agent or a plain loop. */
import type { ConfigLayer, LogEvent, Rule } from '@opmas/protocol';
import { BaseAgent } from '@opmas/sdk';
import { limits } from '../limits.ts';
import { benchRuntime } from './bench-runtime.ts';
import { plainAgent } from './plain-agent.ts';
import { type RouterRule, routerLines, routerPack } from './router-pack.ts';
import { windowPack } from './window-pack.ts';

export const STEP_WAYS = ['full', 'parsed', 'first', 'windows', 'plain', 'plainWindows'] as const;
export type StepWay = (typeof STEP_WAYS)[number];

export interface StepSize {
  events: number;
  ruleCount: number;
}

/** One way to work the events; the same events for each. */
export interface Way {
  /** Nanoseconds an event; the ids of events are new in each round, for windows count no event twice. */
  work(round: number): Promise<number>;
  /** So far. */
  findings(): number;
}

export async function stepWay(way: StepWay, { events, ruleCount }: StepSize): Promise<Way> {
  const pack = routerPack(ruleCount);
  const lines = messagesOf(pack, events, way === 'parsed' ? OF_OTHERS : {});
  const isWindowed = way === 'windows' || way === 'plainWindows';
  const rules = (isWindowed ? windowPack(pack) : pack).map(({ rule }) => rule);
  if (way === 'plain' || way === 'plainWindows') {
    return plainWay(lines.slice(0, limits.plainLoopLines), rules);
  }
  return agentWay(lines, rules, { validate_every: way === 'full' || way === 'parsed' ? 1 : 100 });
}

async function agentWay(
  lines: readonly string[],
  rules: readonly Rule[],
  processing: ConfigLayer,
): Promise<Way> {
  const runtime = benchRuntime(rules, processing);
  const agent = new BaseAgent('bench-1', 'http://127.0.0.1', undefined, runtime);
  await agent.start();
  return {
    work: async (round) => {
      let spent = 0n;
      // Made just before, as it would have come from a socket just now; making it is not timed.
      for (const payload of batched(lines, round)) {
        const began = process.hrtime.bigint();
        await runtime.deliver(payload);
        spent += process.hrtime.bigint() - began;
      }
      return Number(spent) / lines.length;
    },
    findings: () => runtime.sent.findings,
  };
}

function plainWay(lines: readonly string[], rules: readonly Rule[]): Way {
  let findings = 0;
  let bytes = 0;
  const agent = plainAgent(rules, (json) => {
    findings += 1;
    bytes += Buffer.from(json).length;
  });
  const singles = lines.map((json) => Buffer.from(json));
  return {
    work: async () => {
      const began = process.hrtime.bigint();
      for (const single of singles) agent.processEvent(single);
      return Number(process.hrtime.bigint() - began) / singles.length;
    },
    findings: () => (bytes > 0 ? findings : 0),
  };
}

/** A member that no schema knows: an event with it is not known by its bytes, and is parsed. */
const OF_OTHERS = { site: 'north' };
const ID_PREFIX = '01JCZ9M8QK7W3R5T';

/** Events as the collector writes them, about 250 bytes each, and what another producer adds. */
function messagesOf(rules: readonly RouterRule[], count: number, added: object): string[] {
  const lines = routerLines(rules, count, 180).toString('latin1').trimEnd().split('\n');
  return lines.map((line, n) => {
    const [, program = 'kernel', message = line] =
      /^\S+ \S+ \S+ \S+ ([^:[]+)[^:]*: (.*)$/.exec(line) ?? [];
    const event: LogEvent = {
      event_id: `${ID_PREFIX}${String(n).padStart(10, '0')}`,
      timestamp: '2025-11-07T09:05:01.000Z',
      type: 'auth',
      message,
      host: 'ap-17',
      source_ip: '192.168.1.17',
      program,
      facility: 'daemon',
      severity: 'info',
    };
    return JSON.stringify({ ...event, ...added });
  });
}

function* batched(messages: readonly string[], round: number): Generator<Buffer> {
  const prefix = ID_PREFIX.slice(0, -2) + String(round).padStart(2, '0');
  for (let from = 0; from < messages.length; from += limits.chunkLines) {
    const some = messages.slice(from, from + limits.chunkLines).join('\n');
    yield Buffer.from(some.replaceAll(ID_PREFIX, prefix));
  }
}
