/** Runs command lines in process against a server that answers as told and remembers what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Readable } from 'node:stream';
import { tempDir } from '@opmas/testkit';
import type { Io } from '../io.ts';
import { runCli } from '../program.ts';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Answer {
  status?: number;
  body?: unknown;
  /** In place of a body: lines of NDJSON. */
  text?: string;
}

export interface Outcome {
  code: number;
  out: string;
  err: string;
  /** Of stdout as JSON. */
  json<T>(): T;
}

export interface Bench {
  url: string;
  server: Server;
  asked: Asked[];
  /** A private HOME and data folder. */
  home: string;
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  stop(): Promise<void>;
}

export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Stands for Ctrl-C. */
  interrupt?: AbortSignal;
  onPrint?: (line: string) => void;
}

export async function bench(answer: (asked: Asked) => Answer | Promise<Answer>): Promise<Bench> {
  const home = tempDir('cli');
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://x');
      const one = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      asked.push(one);
      Promise.resolve(answer(one)).then(
        ({ status = 200, body, text }) => {
          response.statusCode = status;
          response.setHeader(
            'content-type',
            status < 400 ? 'application/json' : 'application/problem+json',
          );
          response.end(text ?? (body === undefined ? '' : JSON.stringify(body)));
        },
        (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    server,
    asked,
    home: home.path,
    run: (args, options = {}) =>
      runLine(args, {
        ...options,
        env: {
          HOME: home.path,
          OPMAS_DATA_DIR: `${home.path}/data`,
          OPMAS_URL: url,
          ...options.env,
        },
        cwd: home.path,
      }),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      home.remove();
    },
  };
}

/** One command line, with everything it wrote. */
export async function runLine(
  args: readonly string[],
  options: RunOptions & { cwd: string },
): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    env: options.env ?? {},
    cwd: options.cwd,
    print: (line) => {
      out.push(line);
      options.onPrint?.(line);
    },
    note: (line) => void err.push(line),
    error: (line) => void err.push(`error: ${line}`),
    interactive: false,
    stdin: Readable.from([options.stdin ?? '']),
    onInterrupt: () => options.interrupt ?? new AbortController().signal,
  };
  const code = await runCli(args, io);
  const text = out.join('\n');
  return { code, out: text, err: err.join('\n'), json: <T>() => JSON.parse(text) as T };
}

export function problem(status: number, code: string, detail: string): Answer {
  return {
    status,
    body: {
      type: `/docs/reference/errors#${code}`,
      title: code,
      status,
      code,
      detail,
      request_id: 'r1',
    },
  };
}

/** An agent as the API lists it. */
export function agent(name: string, id: string) {
  return {
    agent_id: id,
    name,
    type: 'security',
    version: '1.0.0',
    description: '',
    status: 'running',
    reason: null,
    conditions: [],
    desired: 'running',
    replicas: 1,
    last_heartbeat: null,
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    config_version: 0,
    config_hash: null,
    tags: [],
    findings_count: 0,
    restarts: 0,
    host_id: 'local',
    pid: 1,
  };
}
