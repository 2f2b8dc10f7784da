/** `opmas config status|retry`: does each agent run what it shall, and if not, why. */
import { deliveriesGet, deliveriesList, deliveriesRetry } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { collect } from '../api/pages.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

const STATES = ['pending', 'applied', 'rejected', 'expired'] as const;
type State = (typeof STATES)[number];

interface Row {
  name: string;
  state: State;
  desired_hash: string;
  running_hash: string | null;
  reason: string | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'AGENT', value: ({ name }) => name, whole: true },
  { head: 'STATE', value: ({ state }) => state, whole: true },
  { head: 'DESIRED', value: ({ desired_hash }) => short(desired_hash), whole: true },
  { head: 'RUNNING', value: ({ running_hash }) => short(running_hash), whole: true },
  { head: 'WHY NOT', value: ({ reason }) => reason },
];

/** Exit code 8 when somebody does not run what he shall. */
export async function status(run: Run): Promise<ExitCode> {
  const { args, options, out } = run;
  const state = stateOf(options.text('state'));
  const api = await run.api();
  const ref = args[0];
  if (ref !== undefined) {
    if (state !== undefined) throw usageError('--state goes with all agents, not with one');
    const { agent_id } = await agentOf(api, ref);
    const one = await api.call((client) => deliveriesGet({ client, path: { agent_id } }));
    out.one(one, [
      ['agent', one.name],
      ['state', one.state],
      ['why not', one.reason],
      ['desired', one.desired_hash],
      ['running', one.running_hash],
      ['last healthy', healthyOf(one)],
      ['offered', one.offered_at],
      ['deadline', one.deadline],
      ['settled', one.settled_at],
      ['attempts', one.attempts],
      ...one.errors.map(({ path, message }) => ['error', line(path, message)] as const),
      ...one.instances.map(
        (each) =>
          [
            `instance ${each.instance_id}`,
            `${short(each.running_hash)}, last healthy ${healthyOf({ ...each, healthy_hash: short(each.healthy_hash) })}`,
          ] as const,
      ),
      ...one.left_behind.map(
        ({ topic, unread }) => [`left behind on ${topic}`, `${unread} unread`] as const,
      ),
      ...one.failed.map(
        ({ hash, errors: [first] }) =>
          [`failed ${short(hash)}`, line(first?.path ?? '', first?.message ?? '')] as const,
      ),
    ]);
    return one.state === 'applied' ? EXIT.ok : EXIT.partial;
  }
  let counts: Record<State, number> | undefined;
  const rows = await collect(options.limit(), async (query) => {
    const answer = await api.call((client) =>
      deliveriesList({ client, query: { ...query, ...given({ state }) } }),
    );
    counts = answer.counts;
    return answer;
  });
  out.list(rows, COLUMNS, 'No agent is in that state.');
  const all = STATES.map((each) => `${each} ${counts?.[each] ?? 0}`).join(', ');
  if (!out.json) run.io.note(all);
  const isWell = STATES.every((each) => each === 'applied' || (counts?.[each] ?? 0) === 0);
  return isWell ? EXIT.ok : EXIT.partial;
}

export async function retry(run: Run): Promise<ExitCode> {
  const api = await run.api();
  const { agent_id, name } = await agentOf(api, run.args[0] ?? '');
  const answer = await api.call((client) => deliveriesRetry({ client, path: { agent_id } }));
  run.out.done(
    answer,
    answer.state === 'applied'
      ? `${name}: runs what it shall`
      : `${name}: ${short(answer.desired_hash)} is offered again; see: opmas config status ${name}`,
  );
  return EXIT.ok;
}

/** `3f9c0a… (version 4)`; null as long as the agent does not say. */
function healthyOf(one: { healthy_hash: string | null; healthy_version: number | null }) {
  const { healthy_hash: hash, healthy_version: version } = one;
  if (hash === null) return null;
  return version === null ? hash : `${hash} (version ${version})`;
}

function stateOf(text: string | undefined): State | undefined {
  const state = STATES.find((each) => each === text);
  if (text !== undefined && state === undefined) {
    throw usageError(`${JSON.stringify(text)} is no state`, `One of: ${STATES.join(', ')}`);
  }
  return state;
}

const short = (hash: string | null): string => (hash === null ? '-' : hash.slice(0, 12));
const line = (path: string, message: string): string =>
  path === '' ? message : `${path}: ${message}`;
