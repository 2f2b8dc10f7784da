/** `opmas api METHOD PATH`: any request, with the token; the answer as it came. */
import { exitOf, failureOf } from '../api/failure.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { visible, visibleJson } from '../output/visible.ts';
import type { Run } from '../run.ts';
import { readInput } from './read-input.ts';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'];
/** Served beside `/api/v1`. */
const ROOT = /^\/(api|health|metrics)(\/|\?|$)/;

export async function api(run: Run): Promise<ExitCode> {
  const { args, io, out } = run;
  const method = (args[0] ?? '').toUpperCase();
  if (!METHODS.includes(method)) throw usageError(`${args[0]} is no method`, METHODS.join(', '));
  const path = pathOf(args[1] ?? '');
  const headers = headersOf(run);
  const body = await bodyOf(run);
  if (body !== undefined && !headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  const server = await run.api();
  const response = await server.fetch(path, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  const value = jsonIn(text);
  if (value !== undefined)
    io.print(out.json || !io.interactive ? visibleJson(value) : visibleJson(value, 2));
  else if (text !== '') {
    const lines = text.trimEnd().split('\n');
    io.print((io.interactive ? lines.map(visible) : lines).join('\n'));
  }
  if (response.ok) return EXIT.ok;
  const failure = failureOf({ error: value, response }, server.target.url);
  // The document is on stdout already, as it came.
  io.error(`${response.status}: ${failure.message}`);
  if (failure.fix !== undefined) io.note(`→ ${failure.fix}`);
  return exitOf(response.status, failure.problem?.code);
}

/** Never beyond the server the token belongs to. */
function pathOf(text: string): string {
  if (!text.startsWith('/') || text.startsWith('//')) {
    throw usageError(`${JSON.stringify(text)} is no path`, 'Say it as /agents.');
  }
  return ROOT.test(text) ? text : `/api/v1${text}`;
}

function headersOf({ options }: Run): Headers {
  const headers = new Headers();
  for (const text of options.texts('header')) {
    const at = text.indexOf(':');
    if (at < 1)
      throw usageError(`${JSON.stringify(text)} is no header`, 'Say it as "Name: value".');
    headers.append(text.slice(0, at).trim(), text.slice(at + 1).trim());
  }
  return headers;
}

async function bodyOf(run: Run): Promise<string | undefined> {
  const text = run.options.text('data');
  if (text === undefined) return undefined;
  if (text === '-') return readInput(run, '-');
  return text.startsWith('@') ? readInput(run, text.slice(1)) : text;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the metrics page, a proxy's error page
  }
}
