/** `opmas audit ls|verify|export`: the record of who did what, and the proof that it is whole. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { auditList, auditVerify } from '@opmas/client';
import { type ExportVerdict, verifyExport } from '@opmas/keyring';
import type { AuditFault, AuditRecord } from '@opmas/protocol';
import type { Api } from '../api/api.ts';
import { failureOf } from '../api/failure.ts';
import { collect } from '../api/pages.ts';
import { CliError, errnoOf, messageOf, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Column } from '../output/output.ts';
import { visibleJson } from '../output/visible.ts';
import { given, type Run } from '../run.ts';
import { openInput } from './read-input.ts';

type ListQuery = NonNullable<NonNullable<Parameters<typeof auditList>[0]>['query']>;

const COLUMNS: readonly Column<AuditRecord>[] = [
  { head: 'TIME', value: ({ time }) => time, whole: true },
  {
    head: 'ACTOR',
    value: ({ actor, actor_kind, erased }) => actor ?? (erased ? '(erased)' : actor_kind),
  },
  { head: 'ACTION', value: ({ action }) => action, whole: true },
  { head: 'OBJECT', value: ({ object }) => object },
  {
    head: 'OUTCOME',
    value: ({ outcome }) => outcome,
    paint: ({ outcome }, colours) => (outcome === 'ok' ? colours.green : colours.yellow),
  },
  { head: 'FROM', value: ({ remote }) => remote },
  { head: 'DETAILS', value: ({ details }) => JSON.stringify(details) },
];

export async function list(run: Run): Promise<ExitCode> {
  const { out, options } = run;
  const api = await run.api();
  const filter = given({
    actor: options.text('actor'),
    action: options.text('action'),
    object: options.text('object'),
    outcome: options.text('outcome') as ListQuery['outcome'],
    from: options.time('since'),
    to: options.time('until'),
    q: options.text('query'),
  });
  const rows = await collect(options.limit(), (query) =>
    api.call((client) => auditList({ client, query: { ...query, ...filter } })),
  );
  // The generated type of free JSON is wider than the protocol's.
  out.list(rows as AuditRecord[], COLUMNS, 'No rows.');
  return EXIT.ok;
}

export async function verify(run: Run): Promise<ExitCode> {
  const file = run.args[0];
  const pinned = pinnedKeys(run);
  if (file !== undefined) return report(run, await verifyFile(run, file, pinned));
  return report(run, await verifyServer(await run.api(), pinned));
}

/** Keys to be believed, base64url of 32 bytes each. */
function pinnedKeys({ options }: Run): readonly string[] {
  const keys = options.texts('key');
  const wrong = keys.find((key) => !/^[A-Za-z0-9_-]{43}$/.test(key));
  if (wrong === undefined) return keys;
  throw usageError(
    `${JSON.stringify(wrong)} is no public key of checkpoints`,
    '`opmas audit verify --json` on a server you trust names its keys.',
  );
}

async function verifyFile(run: Run, file: string, pinned: readonly string[]) {
  try {
    return await verifyExport(linesOf(openInput(run, file)), { pinned });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      throw new CliError(EXIT.notFound, `There is no file ${file}`, { cause: error });
    }
    throw error;
  }
}

/** The whole chain, stretch by stretch, or up to the first thing that is wrong. */
async function verifyServer(api: Api, pinned: readonly string[]): Promise<ExportVerdict> {
  let checkpoints = 0;
  let cursor: string | undefined;
  for (;;) {
    const query = given({ cursor });
    const part = await api.call((client) => auditVerify({ client, query }));
    checkpoints += part.checkpoints;
    const verdict = { from: 1, to: part.to, rows: part.to, checkpoints, keys: part.keys };
    if (part.fault !== null) return { ...verdict, fault: part.fault };
    const stranger = part.keys.find(({ public_key }) => !pinned.includes(public_key));
    if (pinned.length > 0 && stranger !== undefined) {
      throw new CliError(
        EXIT.difference,
        `The server signs checkpoints with ${stranger.public_key}, which is no key you named`,
        { fix: 'Verify an export with --key: then only checkpoints of your keys count.' },
      );
    }
    if (part.next_cursor === null) return { ...verdict, fault: undefined };
    cursor = part.next_cursor;
  }
}

function report({ out }: Run, verdict: ExportVerdict): ExitCode {
  const { fault, rows, from, to, checkpoints, keys } = verdict;
  const value = {
    ok: fault === undefined,
    fault: fault ?? null,
    rows,
    from,
    to,
    checkpoints,
    keys,
  };
  out.one(value, [
    ['verdict', fault === undefined ? 'whole' : 'NOT WHOLE'],
    ...(fault === undefined ? [] : faultLines(fault)),
    ['links verified', to < from ? 'none' : `${from} to ${to}`],
    ['checkpoints', checkpoints],
    ...keys.map(({ key_id, public_key }) => ['key', `${public_key} (${key_id})`] as const),
  ]);
  return fault === undefined ? EXIT.ok : EXIT.difference;
}

function faultLines({ kind, seq, audit_id, message }: AuditFault) {
  return [
    ['first bad link', seq],
    ['first bad row', audit_id],
    ['what', `${kind}: ${message}`],
  ] as const;
}

export async function exportLog(run: Run): Promise<ExitCode> {
  const { io, out, options, path } = run;
  const query = new URLSearchParams(
    given({ from: options.time('since'), to: options.time('until') }) as Record<string, string>,
  );
  const api = await run.api();
  const response = await api.fetch(`/api/v1/audit/export?${query.toString()}`, {
    timeoutMs: limits.exportMs,
  });
  if (!response.ok || response.body === null) {
    const error: unknown = await response.json().catch(() => undefined);
    throw failureOf({ error, response }, api.target.url);
  }
  const lines = linesOf(Readable.fromWeb(response.body));
  const output = options.text('output');
  const verdict =
    output === undefined
      ? await verifyAll(printed(lines, io.print))
      : await saved(lines, path(output));
  const { fault } = verdict;
  if (fault !== undefined) {
    io.error(`The export is not whole. ${fault.kind}: ${fault.message}`);
    return EXIT.difference;
  }
  if (output !== undefined) {
    out.done(
      { file: path(output), rows: verdict.rows },
      `${verdict.rows} rows in ${output}; verify them anywhere with: opmas audit verify ${output}`,
    );
  }
  return EXIT.ok;
}

/** Verifies, and reads on to the end also when something is wrong: a bad export is evidence too. */
async function verifyAll(lines: AsyncGenerator<string>): Promise<ExportVerdict> {
  const verdict = await verifyExport({
    [Symbol.asyncIterator]: () => ({ next: () => lines.next() }),
  });
  let next = await lines.next();
  while (next.done !== true) next = await lines.next();
  return verdict;
}

/** The same value without a character that a terminal would act on. */
async function* printed(
  lines: AsyncIterable<string>,
  print: (line: string) => void,
): AsyncGenerator<string> {
  for await (const line of lines) {
    if (line.trim() === '') continue;
    print(visibleJson(JSON.parse(line)));
    yield line;
  }
}

/** Only its owner reads the file: it says who did what. An existing one is not overwritten. */
async function saved(lines: AsyncIterable<string>, path: string): Promise<ExportVerdict> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  const ended = finished(file);
  // Whoever awaits it hears of the failure; until then it is nobody's unhandled one.
  ended.catch(() => {});
  async function* written(): AsyncGenerator<string> {
    for await (const line of lines) {
      if (!file.write(`${line}\n`)) {
        await once(file, 'drain');
      }
      yield line;
    }
  }
  try {
    const verdict = await verifyAll(written());
    file.end();
    await ended;
    return verdict;
  } catch (error) {
    file.destroy();
    if (errnoOf(error) === 'EEXIST') throw usageError(`${path} is there already`);
    throw new CliError(EXIT.failed, `The export was not saved: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Lines of a stream, each within a bound. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > limits.exportLineBytes) {
      throw usageError(
        `A line is longer than ${limits.exportLineBytes / 1024 / 1024} MiB: no export`,
      );
    }
  }
  if (rest !== '') yield rest;
}
