/** The static imports of a source file, read on a thread that may be lost. */
import { boundedWorker } from '../../kernel/bounded-worker.ts';
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
  const worker = boundedWorker<LexRequest, LexAnswer>({
    script: new URL('./import-lexer.worker.ts', import.meta.url),
    timeoutMs,
    memoryMb: discoveryLimits.workerMb,
    isBroken: (answer) => !answer.ok && answer.broken,
  });
  return {
    rest: worker.rest,
    importsOf: async (request) => {
      const told = await worker.ask(request);
      return told.lost ? { ok: false, broken: true, message: told.message } : told.answer;
    },
  };
}
