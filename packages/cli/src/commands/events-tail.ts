/** `opmas events tail`: the live feed as lines. */
import type { FeedMessage } from '@opmas/protocol';
import { agentOf } from '../api/agent-ref.ts';
import type { Api } from '../api/api.ts';
import { follow } from '../api/feed.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output/output.ts';
import { visible } from '../output/visible.ts';
import type { Run } from '../run.ts';
import { findingIn, lineOf } from './findings.ts';

const TOPICS = ['findings', 'agents', 'alerts', 'jobs'];

export async function tail(run: Run): Promise<ExitCode> {
  const { args, options, out, io } = run;
  const want = options.count('count', 1_000_000_000);
  const seconds = options.count('timeout', 86_400);
  const api = await run.api();
  const topics: string[] = [];
  for (const topic of args.length === 0 ? ['findings', 'agents'] : args) {
    topics.push(await topicOf(api, topic));
  }
  const stop = io.onInterrupt();
  const enough = new AbortController();
  const late = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1_000);
  let seen = 0;
  await follow({
    api,
    topics,
    signal: AbortSignal.any([stop, enough.signal, ...(late === undefined ? [] : [late])]),
    onReady: () => io.note(`following ${topics.join(', ')}`),
    onMessage: (message) => {
      if (enough.signal.aborted) return;
      out.event(message, () => describe(message, out));
      seen += 1;
      if (seen === want) enough.abort();
    },
    onNote: (text) => io.note(text),
  });
  if (enough.signal.aborted) return EXIT.ok;
  return stop.aborted ? EXIT.interrupted : EXIT.timeout;
}

async function topicOf(api: Api, topic: string): Promise<string> {
  if (TOPICS.includes(topic)) return topic;
  if (topic.startsWith('logs:')) {
    return `logs:${(await agentOf(api, topic.slice('logs:'.length))).agent_id}`;
  }
  if (topic.startsWith('logs.') || topic.startsWith('findings.')) {
    throw new CliError(EXIT.usage, `The live feed has no ${topic}: raw events are not part of it`, {
      fix: 'Follow what came of them: `opmas events tail findings`.',
    });
  }
  throw usageError(
    `There is no topic ${JSON.stringify(topic)}`,
    `Topics: ${TOPICS.join(', ')}, logs:<agent>`,
  );
}

function describe({ type, data }: FeedMessage, out: Output): string {
  const finding = type === 'finding' ? findingIn(data) : undefined;
  if (finding !== undefined) return `finding ${lineOf(finding, out)}`;
  return `${type} ${visible(JSON.stringify(data) ?? '')}`;
}
