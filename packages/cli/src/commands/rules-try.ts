/** `opmas rules test` and `dry-run`: what rules would do, before they are published. */
import { type RulesTestData, type RulesTestResponse, rulesTest } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Output } from '../output/output.ts';
import { visible } from '../output/visible.ts';
import { given, type Run } from '../run.ts';
import { parseJson, readInput } from './read-input.ts';

type Body = RulesTestData['body'];
type Answer = RulesTestResponse;
type GivenEvents = NonNullable<Body['events']>;

/** On events of the caller's, or on none: then only the rules and their examples are checked. */
export async function test(run: Run): Promise<ExitCode> {
  const { args, options } = run;
  const rules = await rulesIn(run, args[0] ?? '');
  const file = options.text('events');
  const messages = options.texts('message').map((message) => ({ message }));
  const events = [...(file === undefined ? [] : await eventsIn(run, file)), ...messages];
  const api = await run.api();
  const body: Body = events.length === 0 ? { rules } : { rules, events };
  const answer = await api.call((client) => rulesTest({ client, body }));
  show(run.out, answer, { steps: true });
  return answer.valid ? EXIT.ok : EXIT.failed;
}

/** On what devices really said. */
export async function dryRun(run: Run): Promise<ExitCode> {
  const { args, options } = run;
  const rules = await rulesIn(run, args[0] ?? '');
  const [ref, domain] = [options.text('agent'), options.text('domain')];
  if (ref === undefined && domain === undefined) {
    throw usageError(
      'Say on whose events: --agent or --domain',
      'opmas rules dry-run rules.json --agent SecurityAgent --since 1h',
    );
  }
  const api = await run.api();
  const body: Body = {
    rules,
    ...given({
      agent_id: ref === undefined ? undefined : (await agentOf(api, ref)).agent_id,
      domain,
      last: options.count('last', 100_000),
      from: options.time('since'),
      to: options.time('until'),
    }),
  };
  const answer = await api.call((client) => rulesTest({ client, body }));
  show(run.out, answer, { steps: false });
  if (!answer.valid) return EXIT.failed;
  const { gained, lost } = answer.difference ?? { gained: { count: 0 }, lost: { count: 0 } };
  return gained.count + lost.count > 0 ? EXIT.difference : EXIT.ok;
}

/** A list of rules, or a document that has one. */
export async function rulesIn(run: Run, name: string): Promise<unknown[]> {
  const value = parseJson(await readInput(run, name), name);
  const list: unknown =
    typeof value === 'object' && value !== null && 'rules' in value ? value.rules : value;
  if (Array.isArray(list)) return list as unknown[];
  throw usageError(`${name} is no list of rules: [{"id": …, "pattern": …}]`);
}

/** A JSON array, or line by line: an event as JSON, or a message as it is. */
async function eventsIn(run: Run, name: string): Promise<GivenEvents> {
  const text = await readInput(run, name);
  if (/^\s*\[\s*[{\]]/.test(text)) {
    const list = parseJson(text, name);
    if (Array.isArray(list)) return list as GivenEvents;
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, at) =>
    line.startsWith('{')
      ? (parseJson(line, `line ${at + 1} of ${name}`) as GivenEvents[number])
      : { message: line },
  );
}

function show(out: Output, answer: Answer, { steps }: { steps: boolean }): void {
  if (out.json) {
    out.one(answer, []);
    return;
  }
  const lines: [string, unknown][] = [
    ['rules', answer.valid ? 'valid' : 'not valid'],
    ...answer.errors.map(({ path, message }) => [path, message] as [string, string]),
    ...answer.failed_examples.map(({ path, message }) => [path, message] as [string, string]),
    ...answer.warnings.map(({ path, message }) => [`warning ${path}`, message] as [string, string]),
  ];
  if (answer.source !== 'none') lines.push(...figures(answer));
  out.one(answer, lines);
  if (answer.events === 0) return;
  out.list(
    answer.rules.filter(({ matches }) => matches > 0).slice(0, limits.listDefault),
    [
      { head: 'RULE', value: ({ rule_id }) => rule_id, whole: true },
      { head: 'MATCHES', value: ({ matches }) => matches },
      { head: 'FINDINGS', value: ({ findings }) => findings },
      { head: 'PER 1000', value: ({ rate }) => rate },
      { head: 'NS/EVENT', value: ({ cost_ns }) => cost_ns },
    ],
    'No rule matched.',
  );
  if (steps) for (const step of answer.steps) out.event(step, () => stepsOf(step));
  const { difference } = answer;
  for (const side of ['gained', 'lost'] as const) {
    for (const told of difference?.[side].examples ?? []) {
      out.event(told, () => visible(`${side} ${told.rule_id} ${told.at} ${told.message}`));
    }
  }
}

function figures(answer: Answer): [string, unknown][] {
  const { events, matched, findings, rate, ns_per_event, stopped, difference } = answer;
  return [
    ['events', events],
    ['matched', matched],
    ['findings', `${findings}, ${rate} per 1000 events`],
    ['cost', ns_per_event === null ? null : `${ns_per_event} ns per event`],
    ...(stopped === null
      ? []
      : [
          ['stopped', `the rest was left out: the bound of ${stopped} was reached`] as [
            string,
            string,
          ],
        ]),
    ...(difference === null
      ? []
      : [
          [
            'difference',
            `${difference.gained.count} findings gained, ${difference.lost.count} lost`,
          ] as [string, string],
        ]),
  ];
}

function stepsOf({ message, rules }: Answer['steps'][number]): string {
  const ways = rules.flatMap(({ rule_id, told, steps }) => [
    `  ${rule_id}: ${told ? 'told' : 'not told'}`,
    ...steps.map(({ step, passed, text }) => `    ${passed ? 'yes' : 'no '} ${step}: ${text}`),
  ]);
  return [message, ...(ways.length === 0 ? ['  no rule'] : ways)].map(visible).join('\n');
}
