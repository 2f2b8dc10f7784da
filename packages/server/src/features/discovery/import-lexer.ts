/** The static imports of a source file, read on a thread that may be lost. */
import { Worker } from 'node:worker_threads';
import { discoveryLimits } from './discovery.ts';

export interface LexRequest {
  source: string;
  typescript: boolean;
}

/** `broken`: the thread must not be used again. Lines count from 1. */
export type LexAnswer =
  | { ok: true; imports: { specifier: string; line: number }[] }
  | { ok: false; broken: boolean; line?: number; message: string };

export interface ImportLexer {
  /** One at a time. Any source is answered within the bound; the server itself is never blocked. */
  importsOf(request: LexRequest): Promise<LexAnswer>;
  /** Ends the thread; the next request starts another. */
  rest(): Promise<void>;
}

export function createImportLexer(timeoutMs: number = discoveryLimits.lexMs): ImportLexer {
  let worker: Worker | undefined;
  const rest = async () => {
    const old = worker;
    worker = undefined;
    await old?.terminate();
  };
  return {
    rest,
    importsOf: async (request) => {
      worker ??= new Worker(new URL('./import-lexer.worker.ts', import.meta.url), {
        env: {},
        execArgv: ['--disable-warning=ExperimentalWarning'],
        resourceLimits: { maxOldGenerationSizeMb: 256 },
      });
      worker.unref();
      const answer = await ask(worker, request, timeoutMs);
      if (!answer.ok && answer.broken) await rest();
      return answer;
    },
  };
}

function ask(worker: Worker, request: LexRequest, timeoutMs: number): Promise<LexAnswer> {
  return new Promise((resolve) => {
    const done = (answer: LexAnswer) => {
      clearTimeout(timer);
      worker.off('message', done).off('error', died).off('exit', died);
      resolve(answer);
    };
    const fail = (message: string) => done({ ok: false, broken: true, message });
    const died = () => fail('it cannot be parsed');
    const timer = setTimeout(() => fail(`it takes over ${timeoutMs} ms to parse`), timeoutMs);
    worker.on('message', done).on('error', died).on('exit', died);
    worker.postMessage(request);
  });
}
