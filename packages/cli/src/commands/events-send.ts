/** `opmas events send`: one log line, or a file of events in batches the server takes. */
import type { EventsAccepted } from '@opmas/protocol';
import type { Api } from '../api/api.ts';
import { failureOf } from '../api/failure.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Run } from '../run.ts';
import { batchesOf } from './event-batches.ts';
import { openInput } from './read-input.ts';

interface Total {
  accepted: number;
  rejected: { index: number; error: string }[];
  /** Also those beyond the bound of the list. */
  rejectedCount: number;
}

export async function send(run: Run): Promise<ExitCode> {
  const { args, options, out, io } = run;
  const file = options.text('file');
  if ((file === undefined) === (args.length === 0)) {
    throw usageError(
      'Say the message, or --file',
      'opmas events send --program dropbear "Bad password attempt for \'root\' from 203.0.113.9:40022"',
    );
  }
  const api = await run.api();
  const total: Total = { accepted: 0, rejected: [], rejectedCount: 0 };
  const domain = options.text('domain');
  const path =
    domain === undefined ? '/api/v1/events' : `/api/v1/events?domain=${encodeURIComponent(domain)}`;
  if (file === undefined) {
    const program = options.text('program');
    const host = options.text('host');
    const event = { message: args.join(' '), ...(program && { program }), ...(host && { host }) };
    await post(api, path, `${JSON.stringify(event)}\n`, 0, total);
  } else {
    for await (const { body, first } of batchesOf(openInput(run, file), file)) {
      await post(api, path, body, first, total);
    }
  }
  const { accepted, rejected, rejectedCount } = total;
  out.done({ accepted, rejected }, `${accepted} accepted, ${rejectedCount} rejected`);
  if (!out.json) for (const { index, error } of rejected) io.error(`event ${index + 1}: ${error}`);
  if (rejectedCount === 0) return EXIT.ok;
  return accepted > 0 ? EXIT.partial : EXIT.failed;
}

/** Not repeated on failure: an event without an id would be taken twice. */
async function post(
  api: Api,
  path: string,
  body: string,
  first: number,
  total: Total,
): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' };
  const response = await api.fetch(path, { method: 'POST', headers, body });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && isAccepted(answer)) {
    total.accepted += answer.accepted;
    add(total, first, answer.rejected);
    return;
  }
  const failure = failureOf({ error: answer, response }, api.target.url);
  if (failure.problem?.code !== 'OPMAS_EVENTS_REJECTED') throw withProgress(failure, total);
  const errors = failure.problem.errors ?? [];
  add(
    total,
    first,
    errors.map(({ path: index, message }) => ({ index: Number(index), error: message })),
  );
  // The answer lists the first hundred; the others of the body are rejected all the same.
  total.rejectedCount += body.trimEnd().split('\n').length - errors.length;
}

function add(total: Total, first: number, rejected: EventsAccepted['rejected']): void {
  total.rejectedCount += rejected.length;
  for (const { index, error } of rejected.slice(0, limits.rejected - total.rejected.length)) {
    total.rejected.push({ index: first + index, error });
  }
}

function withProgress(failure: CliError, { accepted }: Total): CliError {
  if (accepted === 0) return failure;
  const { problem, fix, message } = failure;
  return new CliError(EXIT.partial, `${accepted} events were accepted, then: ${message}`, {
    problem,
    fix,
    cause: failure,
  });
}

function isAccepted(value: unknown): value is EventsAccepted {
  return typeof value === 'object' && value !== null && 'accepted' in value && 'rejected' in value;
}
