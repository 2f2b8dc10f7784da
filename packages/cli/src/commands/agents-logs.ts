/** `opmas agents logs [-f]`: what is kept, oldest first, then what comes. */
import { agentsLogs } from '@opmas/client';
import type { AgentLogRecord } from '@opmas/protocol';
import { agentOf } from '../api/agent-ref.ts';
import { follow } from '../api/feed.ts';
import { collect } from '../api/pages.ts';
import { asError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Output } from '../output/output.ts';
import { visible } from '../output/visible.ts';
import { paintOf } from '../output/words.ts';
import { given, type Run } from '../run.ts';

type LogsQuery = NonNullable<Parameters<typeof agentsLogs>[0]['query']>;

export async function logs(run: Run): Promise<ExitCode> {
  const { out, options, io } = run;
  const api = await run.api();
  const { agent_id } = await agentOf(api, run.args[0] ?? '');
  const level = options.text('level');
  const q = options.text('query');
  const filter = given({
    level: level as LogsQuery['level'],
    q,
    from: options.time('since'),
    to: options.time('until'),
  });
  const want = options.limit();
  const history = async () => {
    const newest = await collect(want, (query) =>
      api.call((client) =>
        agentsLogs({ client, path: { agent_id }, query: { ...query, ...filter } }),
      ),
    );
    return newest.toReversed();
  };
  if (!options.flag('follow')) {
    printAll(out, await history(), io.note);
    return EXIT.ok;
  }
  const stop = io.onInterrupt();
  const shown = new Set<string>();
  /** Lines that came before the history was read. */
  let held: AgentLogRecord[] | undefined = [];
  const show = (line: AgentLogRecord) => {
    const key = JSON.stringify([line.timestamp, line.level, line.message]);
    if (shown.has(key)) return;
    remember(shown, key);
    out.event(line, () => lineOf(line, out));
  };
  let failed: Error | undefined;
  const ended = new AbortController();
  await follow({
    api,
    topics: [`logs:${agent_id}`],
    signal: AbortSignal.any([stop, ended.signal]),
    onReady: () => {
      held ??= [];
      history().then(
        (lines) => {
          for (const line of lines) show(line);
          for (const line of held ?? []) show(line);
          held = undefined;
        },
        (error: unknown) => {
          failed = asError(error);
          ended.abort();
        },
      );
    },
    onMessage: ({ type, data }) => {
      const line = type === 'log' ? lineIn(data) : undefined;
      if (line === undefined || !fits(line, { level, q })) return;
      if (held === undefined) show(line);
      else if (held.length < limits.feedHeld) held.push(line);
    },
    onNote: (text) => io.note(text),
  });
  if (failed !== undefined) throw failed;
  return EXIT.interrupted;
}

function printAll(
  out: Output,
  lines: readonly AgentLogRecord[],
  note: (line: string) => void,
): void {
  if (out.json) out.list(lines, [], '');
  else if (lines.length === 0) note('No log lines.');
  else for (const line of lines) out.event(line, () => lineOf(line, out));
}

function lineOf(
  { timestamp, level, message, context }: AgentLogRecord,
  { colours }: Output,
): string {
  const paint = paintOf(level, colours) ?? ((text: string) => text);
  const more = Object.keys(context ?? {}).length === 0 ? '' : ` ${JSON.stringify(context)}`;
  return `${colours.dim(visible(timestamp))} ${paint(visible(level).padEnd(8))} ${visible(message + more)}`;
}

function fits(
  line: AgentLogRecord,
  { level, q }: { level?: string | undefined; q?: string | undefined },
): boolean {
  if (level !== undefined && line.level !== level) return false;
  return q === undefined || line.message.toLowerCase().includes(q.toLowerCase());
}

function lineIn(data: unknown): AgentLogRecord | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  return 'message' in data && 'level' in data && 'timestamp' in data
    ? (data as AgentLogRecord)
    : undefined;
}

/** Keeps the newest keys only. */
export function remember(shown: Set<string>, key: string): void {
  shown.add(key);
  if (shown.size <= limits.shownIds) return;
  for (const oldest of shown) {
    shown.delete(oldest);
    break;
  }
}
